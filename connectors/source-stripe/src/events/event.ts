import { ConnectorError } from '@penstock/connector-sdk';
import { isKey, scanArray, scanObject, skipSpace, skipValue } from '../pages/scan-json.ts';
import { toOneLine } from '../pages/stamp-record.ts';

/** What an event carries: an object as it was right after what happened. */
export interface EventSnapshot {
  /** From brace to brace, on one line, as it stands in the event (P9). */
  readonly bytes: Buffer;
  /** Stripe's name for such objects, e.g. `invoice`; undefined where it doesn't say. */
  readonly kind: string | undefined;
  /** Undefined for objects that don't exist by themselves, like an upcoming invoice. */
  readonly id: string | undefined;
  readonly memberCount: number;
}

/** Something that happened in an account. */
export interface StripeEvent {
  readonly id: string;
  /** When, in seconds since 1970. */
  readonly created: number;
  /** What, e.g. `invoice.paid`. */
  readonly type: string;
  /** The version of the API that the snapshot is of; undefined where it isn't said. */
  readonly apiVersion: string | undefined;
  /** For Connect: the account in which it happened; undefined for our own. */
  readonly account: string | undefined;
  readonly snapshot: EventSnapshot;
}

/** A page of the list of events. */
export interface EventListPage {
  /** Newest first, as in the list. */
  readonly events: readonly StripeEvent[];
  readonly hasMore: boolean;
}

const DATA = Buffer.from('data');
const OBJECT = Buffer.from('object');
const ID = Buffer.from('id');

function readValue(bytes: Buffer, start: number, end: number): unknown {
  return JSON.parse(bytes.toString('utf8', start, end));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The object at this offset, and where it ends. */
function readSnapshot(bytes: Buffer, start: number): { snapshot: EventSnapshot; end: number } {
  let kind: unknown;
  let id: unknown;
  let memberCount = 0;
  const end = scanObject(bytes, start, (keyStart, keyEnd, valueStart) => {
    const valueEnd = skipValue(bytes, valueStart);
    memberCount++;
    if (isKey(bytes, keyStart, keyEnd, ID)) id = readValue(bytes, valueStart, valueEnd);
    else if (isKey(bytes, keyStart, keyEnd, OBJECT)) kind = readValue(bytes, valueStart, valueEnd);
    return valueEnd;
  });
  return { snapshot: { bytes: bytes.subarray(start, end), kind: textOf(kind), id: textOf(id), memberCount }, end };
}

/** @throws Error for anything but an event */
function readEventAt(bytes: Buffer, start: number): { event: StripeEvent; end: number } {
  // Without a prototype, so that a key named `__proto__` is one like any other.
  const fields: Record<string, unknown> = Object.create(null);
  let snapshot: EventSnapshot | undefined;
  const end = scanObject(bytes, start, (keyStart, keyEnd, valueStart) => {
    if (!isKey(bytes, keyStart, keyEnd, DATA)) {
      const valueEnd = skipValue(bytes, valueStart);
      fields[readValue(bytes, keyStart, keyEnd) as string] = readValue(bytes, valueStart, valueEnd);
      return valueEnd;
    }
    return scanObject(bytes, valueStart, (innerStart, innerEnd, innerValue) => {
      if (!isKey(bytes, innerStart, innerEnd, OBJECT)) return skipValue(bytes, innerValue);
      const found = readSnapshot(bytes, innerValue);
      snapshot = found.snapshot;
      return found.end;
    });
  });
  const { id, created, type } = fields;
  if (fields.object !== 'event') throw new Error('its `object` is not "event"');
  if (typeof id !== 'string' || id === '') throw new Error('an event has no id');
  if (typeof type !== 'string') throw new Error(`the event ${id} has no type`);
  if (!Number.isSafeInteger(created)) throw new Error(`the event ${id} does not say when it was created`);
  if (snapshot === undefined) throw new Error(`the event ${id} has no object`);
  const event: StripeEvent = {
    id,
    type,
    created: created as number,
    apiVersion: textOf(fields.api_version),
    account: textOf(fields.account),
    snapshot,
  };
  return { event, end };
}

/**
 * Reads one event, as it comes to a webhook.
 *
 * @throws Error for anything but an event, with the reason
 */
export function readEvent(text: Buffer): StripeEvent {
  const bytes = toOneLine(text);
  const { event, end } = readEventAt(bytes, skipSpace(bytes, 0));
  if (skipSpace(bytes, end) !== bytes.length) throw new Error('something follows the event');
  return event;
}

/**
 * Takes a page of the list of events apart. Objects are neither parsed nor rewritten.
 *
 * @throws ConnectorError `response_invalid` when the body is anything but a list of events: an answer that is not
 * understood must never look like one without events
 */
export function readEventListPage(body: Buffer): EventListPage {
  try {
    return takeApart(toOneLine(body));
  } catch (cause) {
    const shown = JSON.stringify(body.toString('utf8', 0, 120));
    const message = `GET /v1/events answered something that is not a list of events: ${(cause as Error).message}. It begins ${shown}.`;
    throw new ConnectorError('response_invalid', { message, cause });
  }
}

function takeApart(bytes: Buffer): EventListPage {
  const fields: Record<string, unknown> = Object.create(null);
  let events: StripeEvent[] | undefined;
  const end = scanObject(bytes, skipSpace(bytes, 0), (keyStart, keyEnd, valueStart) => {
    if (!isKey(bytes, keyStart, keyEnd, DATA)) {
      const valueEnd = skipValue(bytes, valueStart);
      fields[readValue(bytes, keyStart, keyEnd) as string] = readValue(bytes, valueStart, valueEnd);
      return valueEnd;
    }
    const found: StripeEvent[] = [];
    events = found;
    return scanArray(bytes, valueStart, (start) => {
      const read = readEventAt(bytes, start);
      found.push(read.event);
      return read.end;
    });
  });
  if (skipSpace(bytes, end) !== bytes.length) throw new Error('something follows the list');
  if (fields.object !== 'list') throw new Error('its `object` is not "list"');
  if (typeof fields.has_more !== 'boolean') throw new Error('its `has_more` is not true or false');
  if (events === undefined) throw new Error('it has no `data`');
  if (fields.has_more && events.length === 0) throw new Error('it has nothing in it, yet says that there is more');
  return { events, hasMore: fields.has_more };
}
