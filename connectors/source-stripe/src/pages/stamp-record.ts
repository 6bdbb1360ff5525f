import { isUtf8 } from 'node:buffer';
import { ACCOUNT_ID_FIELD, AS_OF_FIELD, PARENT_ID_FIELD } from '../streams/stream-table.ts';
import { isKey, joinLines, scanObject, skipSpace, skipValue } from './scan-json.ts';

/** What goes into each record beside the object. */
export interface RecordStamp {
  readonly accountId: string;
  /** A second for which the content is surely true. */
  readonly asOf: number;
  /** The id of the object that the list is under; absent for a list that stands on its own. */
  readonly parentId?: string;
  /** The object is gone: the record says so with `"deleted":true`. */
  readonly isDeleted?: boolean;
}

/** An object in a text: its bytes from brace to brace, and the fields that are looked at. */
export interface RecordObject {
  readonly start: number;
  readonly end: number;
  /** Members with the names of ours, quotes to the end of the value: they are left out. */
  readonly clashes: readonly { readonly start: number; readonly end: number }[];
  readonly id: string;
  readonly created: number | undefined;
}

const UNDERSCORE = 0x5f;
const BACKSLASH = 0x5c;
const LETTER_D = 0x64;
const DIGIT_0 = 0x30;

const DELETED_FIELD = 'deleted';

const ID = Buffer.from('id');
const ACCOUNT_ID = Buffer.from(ACCOUNT_ID_FIELD);
const AS_OF = Buffer.from(AS_OF_FIELD);
const PARENT_ID = Buffer.from(PARENT_ID_FIELD);
const DELETED = Buffer.from(DELETED_FIELD);

/**
 * The text of an answer on one line, as a record has to be.
 *
 * @throws Error when it is not UTF-8, or can't be JSON because a text in it holds a line break
 */
export function toOneLine(body: Buffer): Buffer {
  if (!isUtf8(body)) throw new Error('it is not UTF-8');
  const bytes = joinLines(body);
  // A line break that is left stands inside a text, where JSON doesn't allow it.
  if (bytes.includes(0x0a) || bytes.includes(0x0d)) throw new Error('a text in it holds a line break');
  return bytes;
}

/** A number of seconds, or undefined for anything but digits. */
function readSeconds(bytes: Buffer, start: number, end: number): number | undefined {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - DIGIT_0;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Names of the members that the stamp writes. */
function stampedKeys(stamp: RecordStamp): readonly Buffer[] {
  const keys = [ACCOUNT_ID, AS_OF];
  if (stamp.parentId !== undefined) keys.push(PARENT_ID);
  if (stamp.isDeleted) keys.push(DELETED);
  return keys;
}

/**
 * Reads objects that are to be stamped.
 *
 * @param createdKey the property that says when an object was created, in seconds since 1970; undefined without one
 * @returns a function of a text and where the object begins in it, which throws an Error when it is none, or has no id
 */
export function recordFinder(
  stamp: RecordStamp,
  createdKey: string | undefined,
): (bytes: Buffer, start: number) => RecordObject {
  const created = createdKey === undefined ? undefined : Buffer.from(createdKey);
  const stamped = stampedKeys(stamp);
  const letter = stamp.isDeleted ? LETTER_D : UNDERSCORE;
  return (bytes, start) => {
    let id: unknown;
    let createdAt: number | undefined;
    const clashes: { start: number; end: number }[] = [];
    const end = scanObject(bytes, start, (keyStart, keyEnd, valueStart) => {
      const valueEnd = skipValue(bytes, valueStart);
      const first = bytes[keyStart + 1];
      if (isKey(bytes, keyStart, keyEnd, ID)) id = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
      else if (created !== undefined && isKey(bytes, keyStart, keyEnd, created)) {
        createdAt = readSeconds(bytes, valueStart, valueEnd);
      } else if (first === UNDERSCORE || first === letter || first === BACKSLASH) {
        if (stamped.some((name) => isKey(bytes, keyStart, keyEnd, name)))
          clashes.push({ start: keyStart, end: valueEnd });
      }
      return valueEnd;
    });
    if (typeof id !== 'string' || id === '') throw new Error('an object in it has no id');
    return { start, end, clashes, id, created: createdAt };
  };
}

/** The object's bytes up to where the stamp goes, without members that the stamp replaces. */
function withoutClashes(bytes: Buffer, object: RecordObject): Buffer {
  const pieces: Buffer[] = [];
  let from = object.start;
  for (const clash of object.clashes) {
    pieces.push(bytes.subarray(from, clash.start));
    // The comma after it goes with it; after the last member the stamp's own comma would follow one that is left.
    const after = skipSpace(bytes, clash.end);
    from = bytes[after] === 0x2c ? after + 1 : after;
  }
  pieces.push(bytes.subarray(from, object.end - 1));
  const text = Buffer.concat(pieces);
  let length = text.length;
  while (text[length - 1] === 0x2c || text[length - 1] === 0x20 || text[length - 1] === 0x09) length--;
  return text.subarray(0, length);
}

function tailOf({ accountId, asOf, parentId, isDeleted }: RecordStamp): Buffer {
  const deleted = isDeleted ? `,"${DELETED_FIELD}":true` : '';
  const parent = parentId === undefined ? '' : `,"${PARENT_ID_FIELD}":${JSON.stringify(parentId)}`;
  return Buffer.from(
    `${deleted}${parent},"${ACCOUNT_ID_FIELD}":${JSON.stringify(accountId)},"${AS_OF_FIELD}":${asOf}}`,
  );
}

/** Objects of one text as records: each as it stands there, with the stamp at its end. */
export function stampRecords(bytes: Buffer, objects: readonly RecordObject[], stamp: RecordStamp): Buffer[] {
  const tail = tailOf(stamp);
  const size = objects.reduce((sum, object) => sum + object.end - object.start + tail.length, 0);
  const records = Buffer.allocUnsafe(size);
  let at = 0;
  return objects.map((object) => {
    const start = at;
    const text =
      object.clashes.length === 0 ? bytes.subarray(object.start, object.end - 1) : withoutClashes(bytes, object);
    at += text.copy(records, at);
    at += tail.copy(records, at);
    return records.subarray(start, at);
  });
}

/**
 * One object as a record.
 *
 * @param bytes the object from brace to brace, on one line
 * @throws Error when it is no object with an id
 */
export function stampRecord(bytes: Buffer, stamp: RecordStamp): Buffer {
  return stampRecords(bytes, [recordFinder(stamp, undefined)(bytes, 0)], stamp)[0] as Buffer;
}
