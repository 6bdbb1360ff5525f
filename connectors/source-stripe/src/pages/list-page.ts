import { type BufferPool, ConnectorError } from '@penstock/connector-sdk';
import type { PageEnd } from '../ranges/advance.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import { scanArray, scanObject, skipSpace, skipValue } from './scan-json.ts';
import {
  idOf,
  type RecordObject,
  type RecordStamp,
  recordFinder,
  type StampedRecords,
  stampRecords,
  toOneLine,
} from './stamp-record.ts';

/** A page of a list, ready to be emitted. */
export interface ListPage extends PageEnd, StampedRecords {
  /** Each object as it stands in the page, on one line, with the account and `_as_of` at its end. */
  readonly records: readonly Buffer[];
}

/** Creation times of the first and the last object when the page is newest first. */
function timesOf(objects: readonly RecordObject[]): { newest: number; oldest: number } | undefined {
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
 * @param pool has the memory of the records, to be given back when nobody looks at them any more
 * @throws ConnectorError `response_invalid` when the body is anything but a list of objects with ids: an answer that is
 * not understood must never look like an empty list
 */
export function readListPage(body: Buffer, stream: StripeStream, stamp: RecordStamp, pool?: BufferPool): ListPage {
  const room = pool?.take(body.length);
  try {
    return takeApart(toOneLine(body, room), stream, stamp, pool);
  } catch (cause) {
    const shown = JSON.stringify(body.toString('utf8', 0, 120));
    const message = `GET ${stream.path} answered something that is not a list: ${(cause as Error).message}. It begins ${shown}.`;
    throw new ConnectorError('response_invalid', { message, cause });
  } finally {
    if (room !== undefined) pool?.giveBack(room);
  }
}

const OPEN_BRACKET = 0x5b;

function takeApart(bytes: Buffer, stream: StripeStream, stamp: RecordStamp, pool?: BufferPool): ListPage {
  const findRecord = recordFinder(stamp, stream.created ?? undefined);
  // Without a prototype, so that a key named `__proto__` is one like any other.
  const fields: Record<string, unknown> = Object.create(null);
  let objects: RecordObject[] | undefined;
  const end = scanObject(bytes, skipSpace(bytes, 0), (keyStart, keyEnd, valueStart) => {
    const key: string = JSON.parse(bytes.toString('utf8', keyStart, keyEnd));
    if (key !== 'data' || bytes[valueStart] !== OPEN_BRACKET) {
      // Of a key that is there twice, the last value holds.
      if (key === 'data') objects = undefined;
      const valueEnd = skipValue(bytes, valueStart);
      fields[key] = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
      return valueEnd;
    }
    const found: RecordObject[] = [];
    objects = found;
    return scanArray(bytes, valueStart, (start) => {
      const object = findRecord(bytes, start);
      found.push(object);
      return object.end;
    });
  });
  if (skipSpace(bytes, end) !== bytes.length) throw new Error('something follows the list');
  if (objects === undefined) throw new Error('it has no `data`');
  const next = stream.version === 1 ? nextOfV1(bytes, fields, objects, stream) : nextOfV2(fields, stream);
  return {
    ...stampRecords(bytes, objects, stamp, pool),
    count: objects.length,
    hasMore: next !== undefined,
    ...(next === undefined ? {} : { next }),
    ...(stream.created === null ? {} : timesOf(objects)),
  };
}

function nextOfV1(
  bytes: Buffer,
  fields: Record<string, unknown>,
  objects: readonly RecordObject[],
  stream: StripeStream,
): string | undefined {
  if (fields.object !== 'list') throw new Error('its `object` is not "list"');
  if (typeof fields.has_more !== 'boolean') throw new Error('its `has_more` is not true or false');
  if (!fields.has_more || stream.paging === 'none') return undefined;
  const last = objects.at(-1);
  if (last === undefined) throw new Error('it has nothing in it, yet says that there is more');
  return idOf(bytes, last);
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
