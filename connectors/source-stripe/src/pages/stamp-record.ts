import { isUtf8 } from 'node:buffer';
import type { BufferPool } from '@penstock/connector-sdk';
import { ACCOUNT_ID_FIELD, AS_OF_FIELD, PARENT_ID_FIELD } from '../streams/stream-table.ts';
import {
  firstKey,
  isKey,
  isOneLine,
  joinLines,
  nextKey,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
} from './scan-json.ts';

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
  /** Where its id stands, quotes included. */
  readonly id: number;
  readonly idEnd: number;
  readonly created: number | undefined;
}

const QUOTE = 0x22;
const UNDERSCORE = 0x5f;
const BACKSLASH = 0x5c;
const LETTER_D = 0x64;
const LETTER_I = 0x69;
const DIGIT_0 = 0x30;

const DELETED_FIELD = 'deleted';

const ID = Buffer.from('id');
const ACCOUNT_ID = Buffer.from(ACCOUNT_ID_FIELD);
const AS_OF = Buffer.from(AS_OF_FIELD);
const PARENT_ID = Buffer.from(PARENT_ID_FIELD);
const DELETED = Buffer.from(DELETED_FIELD);

const NO_CLASHES: RecordObject['clashes'] = [];

/**
 * The text of an answer on one line, as a record has to be.
 *
 * @param room for it, at least as long; not used where the very same buffer is returned, because it has no line break
 * @throws Error when it is not UTF-8, or can't be JSON because a text in it holds a line break
 */
export function toOneLine(body: Buffer, room?: Buffer): Buffer {
  if (!isUtf8(body)) throw new Error('it is not UTF-8');
  if (isOneLine(body)) return body;
  const bytes = joinLines(body, room ?? Buffer.allocUnsafe(body.length));
  // A line break that is left stands inside a text, where JSON doesn't allow it.
  if (!isOneLine(bytes)) throw new Error('a text in it holds a line break');
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
  const [createdLetter] = created ?? [];
  return (bytes, start) => {
    let id = 0;
    let idEnd = 0;
    let createdAt: number | undefined;
    let clashes: RecordObject['clashes'] = NO_CLASHES;
    let key = firstKey(bytes, start);
    while (bytes[key] === QUOTE) {
      const keyEnd = skipString(bytes, key);
      const value = skipColon(bytes, keyEnd);
      const valueEnd = skipValue(bytes, value);
      // Of the many keys, hardly any begins like one that is looked at.
      const first = bytes[key + 1];
      const isEscaped = first === BACKSLASH;
      if ((first === LETTER_I || isEscaped) && isKey(bytes, key, keyEnd, ID)) {
        id = value;
        idEnd = valueEnd;
      } else if (
        created !== undefined &&
        (first === createdLetter || isEscaped) &&
        isKey(bytes, key, keyEnd, created)
      ) {
        createdAt = readSeconds(bytes, value, valueEnd);
      } else if (first === UNDERSCORE || first === letter || isEscaped) {
        if (isAnyKey(bytes, key, keyEnd, stamped)) clashes = [...clashes, { start: key, end: valueEnd }];
      }
      key = nextKey(bytes, valueEnd);
    }
    if (bytes[id] !== QUOTE || idEnd - id <= 2) throw new Error('an object in it has no id');
    return { start, end: key + 1, clashes, id, idEnd, created: createdAt };
  };
}

function isAnyKey(bytes: Buffer, start: number, end: number, names: readonly Buffer[]): boolean {
  return names.some((name) => isKey(bytes, start, end, name));
}

/** The id of an object in a text. */
export function idOf(bytes: Buffer, { id, idEnd }: RecordObject): string {
  return JSON.parse(bytes.toString('utf8', id, idEnd));
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

/** Records that share their memory. */
export interface StampedRecords {
  readonly records: readonly Buffer[];
  /** What they are parts of. */
  readonly memory: Buffer;
}

/**
 * Objects of one text as records: each as it stands there, with the stamp at its end.
 *
 * @param pool has the memory for all of them
 */
export function stampRecords(
  bytes: Buffer,
  objects: readonly RecordObject[],
  stamp: RecordStamp,
  pool?: BufferPool,
): StampedRecords {
  const tail = tailOf(stamp);
  let size = 0;
  for (const { start, end } of objects) size += end - start + tail.length;
  const memory = pool === undefined ? Buffer.allocUnsafe(size) : pool.take(size);
  let at = 0;
  const records = objects.map((object) => {
    const start = at;
    if (object.clashes.length === 0) at += bytes.copy(memory, at, object.start, object.end - 1);
    else at += withoutClashes(bytes, object).copy(memory, at);
    memory.set(tail, at);
    at += tail.length;
    return memory.subarray(start, at);
  });
  return { records, memory };
}

/**
 * One object as a record.
 *
 * @param bytes the object from brace to brace, on one line
 * @throws Error when it is no object with an id
 */
export function stampRecord(bytes: Buffer, stamp: RecordStamp): Buffer {
  return stampRecords(bytes, [recordFinder(stamp, undefined)(bytes, 0)], stamp).records[0] as Buffer;
}
