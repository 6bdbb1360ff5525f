import { isUtf8 } from 'node:buffer';
import { ConnectorError } from '@penstock/connector-sdk';
import type { PageEnd } from '../ranges/advance.ts';
import { ACCOUNT_ID_FIELD, AS_OF_FIELD, type StripeStream } from '../streams/stream-table.ts';
import { joinLines, scanArray, scanObject, skipSpace, skipValue } from './scan-json.ts';

/** A page of a list, ready to be emitted. */
export interface ListPage extends PageEnd {
  /** Each object as it stands in the page, on one line, with the account and `_as_of` at its end. */
  readonly records: readonly Buffer[];
}

/** What goes into each record beside the object. */
export interface RecordStamp {
  readonly accountId: string;
  /** A second for which the page is surely true. */
  readonly asOf: number;
}

/** One object of the page: its bytes from brace to brace, and the fields that are looked at. */
interface PageObject {
  readonly start: number;
  readonly end: number;
  /** Members with the names of ours, quotes to the end of the value: they are left out. */
  readonly clashes: readonly { readonly start: number; readonly end: number }[];
  readonly id: string;
  readonly created: number | undefined;
}

const UNDERSCORE = 0x5f;
const BACKSLASH = 0x5c;
const DIGIT_0 = 0x30;

/** Whether the key at these offsets is `name`, escapes and all. */
function isKey(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start - 2 === name.length) {
    for (let i = 0; i < name.length; i++) if (bytes[start + 1 + i] !== name[i]) return false;
    return true;
  }
  for (let i = start; i < end; i++) {
    if (bytes[i] === BACKSLASH) return JSON.parse(bytes.toString('utf8', start, end)) === name.toString();
  }
  return false;
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

const ID = Buffer.from('id');
const OWN = [Buffer.from(ACCOUNT_ID_FIELD), Buffer.from(AS_OF_FIELD)];

function readObject(bytes: Buffer, start: number, createdKey: Buffer | undefined): PageObject {
  let id: unknown;
  let created: number | undefined;
  const clashes: { start: number; end: number }[] = [];
  const end = scanObject(bytes, start, (keyStart, keyEnd, valueStart) => {
    const valueEnd = skipValue(bytes, valueStart);
    if (isKey(bytes, keyStart, keyEnd, ID)) id = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
    else if (createdKey !== undefined && isKey(bytes, keyStart, keyEnd, createdKey)) {
      created = readSeconds(bytes, valueStart, valueEnd);
    } else if (bytes[keyStart + 1] === UNDERSCORE || bytes[keyStart + 1] === BACKSLASH) {
      if (OWN.some((name) => isKey(bytes, keyStart, keyEnd, name))) clashes.push({ start: keyStart, end: valueEnd });
    }
    return valueEnd;
  });
  if (typeof id !== 'string' || id === '') throw new Error('an object in `data` has no id');
  return { start, end, clashes, id, created };
}

/** The object's bytes up to where the stamp goes, without members that the stamp replaces. */
function piecesOf(bytes: Buffer, object: PageObject): Buffer[] {
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
  return [text.subarray(0, length)];
}

function stampRecords(bytes: Buffer, objects: readonly PageObject[], stamp: RecordStamp): Buffer[] {
  const own = `"${ACCOUNT_ID_FIELD}":${JSON.stringify(stamp.accountId)},"${AS_OF_FIELD}":${stamp.asOf}}`;
  const tail = Buffer.from(`,${own}`);
  const size = objects.reduce((sum, object) => sum + object.end - object.start + tail.length, 0);
  const page = Buffer.allocUnsafe(size);
  let at = 0;
  return objects.map((object) => {
    const start = at;
    const pieces =
      object.clashes.length === 0 ? [bytes.subarray(object.start, object.end - 1)] : piecesOf(bytes, object);
    for (const piece of pieces) at += piece.copy(page, at);
    at += tail.copy(page, at);
    return page.subarray(start, at);
  });
}

/** Creation times of the first and the last object when the page is newest first. */
function timesOf(objects: readonly PageObject[]): { newest: number; oldest: number } | undefined {
  const newest = objects[0]?.created;
  if (newest === undefined) return undefined;
  let oldest = newest;
  for (const { created } of objects) {
    if (created === undefined || created > oldest) return undefined;
    oldest = created;
  }
  return { newest, oldest };
}

/**
 * Takes a page apart: its objects as raw bytes, stamped, and how to go on. Values are neither parsed nor rewritten.
 *
 * @throws ConnectorError `response_invalid` when the body is anything but a list of objects with ids: an answer that is
 * not understood must never look like an empty list
 */
export function readListPage(body: Buffer, stream: StripeStream, stamp: RecordStamp): ListPage {
  try {
    if (!isUtf8(body)) throw new Error('it is not UTF-8');
    return takeApart(joinLines(body), stream, stamp);
  } catch (cause) {
    const shown = JSON.stringify(body.toString('utf8', 0, 120));
    const message = `GET ${stream.path} answered something that is not a list: ${(cause as Error).message}. It begins ${shown}.`;
    throw new ConnectorError('response_invalid', { message, cause });
  }
}

function takeApart(bytes: Buffer, stream: StripeStream, stamp: RecordStamp): ListPage {
  const createdKey = stream.created === null ? undefined : Buffer.from(stream.created);
  // Without a prototype, so that a key named `__proto__` is one like any other.
  const fields: Record<string, unknown> = Object.create(null);
  let objects: PageObject[] | undefined;
  const end = scanObject(bytes, skipSpace(bytes, 0), (keyStart, keyEnd, valueStart) => {
    const key: string = JSON.parse(bytes.toString('utf8', keyStart, keyEnd));
    if (key !== 'data') {
      const valueEnd = skipValue(bytes, valueStart);
      fields[key] = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
      return valueEnd;
    }
    const found: PageObject[] = [];
    objects = found;
    return scanArray(bytes, valueStart, (start) => {
      const object = readObject(bytes, start, createdKey);
      found.push(object);
      return object.end;
    });
  });
  if (skipSpace(bytes, end) !== bytes.length) throw new Error('something follows the list');
  // A line break that is left stands inside a text, where JSON doesn't allow it.
  if (bytes.includes(0x0a) || bytes.includes(0x0d)) throw new Error('a text in it holds a line break');
  if (objects === undefined) throw new Error('it has no `data`');
  const next = stream.version === 1 ? nextOfV1(fields, objects, stream) : nextOfV2(fields, stream);
  return {
    records: stampRecords(bytes, objects, stamp),
    count: objects.length,
    hasMore: next !== undefined,
    ...(next === undefined ? {} : { next }),
    ...(stream.created === null ? {} : timesOf(objects)),
  };
}

function nextOfV1(
  fields: Record<string, unknown>,
  objects: readonly PageObject[],
  stream: StripeStream,
): string | undefined {
  if (fields.object !== 'list') throw new Error('its `object` is not "list"');
  if (typeof fields.has_more !== 'boolean') throw new Error('its `has_more` is not true or false');
  if (!fields.has_more || stream.paging === 'none') return undefined;
  const last = objects.at(-1);
  if (last === undefined) throw new Error('it has nothing in it, yet says that there is more');
  return last.id;
}

/** The query of the next page. Only that: the host is ours to know, whatever the answer says. */
function nextOfV2(fields: Record<string, unknown>, stream: StripeStream): string | undefined {
  const url = fields.next_page_url;
  if (url === null) return undefined;
  if (typeof url !== 'string') throw new Error('its `next_page_url` is neither a text nor null');
  const { pathname, search } = new URL(url, 'https://api.stripe.com');
  if (!pathname.endsWith(stream.path) || search.length < 2) throw new Error('its `next_page_url` is of another list');
  return search.slice(1);
}
