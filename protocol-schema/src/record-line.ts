/**
 * Canonical record lines: `{"type":"record","record":{"stream":"NAME","emitted_at":"…","data":{…}}}`, exactly like that.
 * They can be told by their first and last bytes, and `data` is a slice of the line, so nobody on the way parses them.
 * Any other spelling of a record is as valid and takes the slow path (`parseRecordLine`).
 */
import { isUtf8 } from 'node:buffer';
import * as z from 'zod';
import { isExactNumber, parseExactly } from './exact-json.ts';
import { recordSchema } from './record.ts';

const PREFIX = Buffer.from('{"type":"record","record":{"stream":"');
const AFTER_STREAM = Buffer.from('","emitted_at":"');
const AFTER_TIME = Buffer.from('","data":{');
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSING_BRACE = 0x7d;
/** ISO 8601 with nanoseconds and an offset has 35 characters; more is not looked for. */
const TIMESTAMP_BYTES_MAX = 40;

function startsAt(bytes: Buffer, at: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/**
 * Tells the stream of canonical record lines from their first bytes. Remembers the last name, since lines of one stream
 * come in long rows: then it is a comparison of bytes and no string is made.
 */
export class RecordPeek {
  #lastHead = Buffer.alloc(0);
  #lastStream = '';

  /** The stream when `bytes[start, end)` begins and ends like a canonical record line, else undefined. */
  stream(bytes: Buffer, start: number, end: number): string | undefined {
    if (end - start < PREFIX.length + 3) return undefined;
    if (bytes[end - 1] !== CLOSING_BRACE || bytes[end - 2] !== CLOSING_BRACE || bytes[end - 3] !== CLOSING_BRACE) {
      return undefined;
    }
    if (this.#lastHead.length > 0 && startsAt(bytes, start, this.#lastHead)) return this.#lastStream;
    if (!startsAt(bytes, start, PREFIX)) return undefined;
    const nameStart = start + PREFIX.length;
    const nameEnd = bytes.indexOf(QUOTE, nameStart);
    if (nameEnd === -1 || nameEnd >= end || nameEnd === nameStart) return undefined;
    // An escape has to be decoded, and a control character is no JSON: both are for the slow path.
    for (let i = nameStart; i < nameEnd; i++) if (bytes[i] === BACKSLASH || bytes[i]! < SPACE) return undefined;
    if (!startsAt(bytes, nameEnd, AFTER_STREAM)) return undefined;
    this.#lastHead = Buffer.from(bytes.subarray(start, nameEnd + AFTER_STREAM.length));
    this.#lastStream = bytes.toString('utf8', nameStart, nameEnd);
    return this.#lastStream;
  }
}

/**
 * Where `data` begins in a line that {@link RecordPeek} took for canonical: the offset of its `{`, or -1 when the line is
 * spelled otherwise after all. The object ends before the last two bytes of the line.
 *
 * @param streamBytes length of the stream's name in UTF-8
 */
export function recordDataStart(bytes: Buffer, start: number, end: number, streamBytes: number): number {
  const timeStart = start + PREFIX.length + streamBytes + AFTER_STREAM.length;
  const timeEnd = bytes.indexOf(QUOTE, timeStart);
  if (timeEnd === -1 || timeEnd - timeStart > TIMESTAMP_BYTES_MAX) return -1;
  if (timeEnd + AFTER_TIME.length > end || !startsAt(bytes, timeEnd, AFTER_TIME)) return -1;
  return timeEnd + AFTER_TIME.length - 1;
}

/** The bytes before `data` of a canonical record line; the line is this, the object and `}}`. */
export function recordLineHead(stream: string, emittedAt: string): string {
  return `{"type":"record","record":{"stream":${JSON.stringify(stream)},"emitted_at":"${emittedAt}","data":`;
}

/** What closes a canonical record line after `data`. */
export const RECORD_LINE_TAIL = '}}\n';

/** A record whose `data` is JSON text, values as they were written. */
export interface RawRecord {
  readonly stream: string;
  readonly emitted_at: string;
  /** A JSON object as text. */
  readonly data: string;
}

const rawRecordMessageSchema = z.object({ type: z.literal('record'), record: recordSchema });

/**
 * The slow path: a record line in any order and spacing. Numbers keep their digits (P9). Of a key that stands twice in an
 * object the last one counts. Never throws.
 *
 * @returns the record, or undefined when the line is no valid record
 */
export function parseRecordLine(line: Buffer | string): RawRecord | undefined {
  if (typeof line !== 'string' && !isUtf8(line)) return undefined;
  try {
    const parsed = rawRecordMessageSchema.safeParse(parseExactly(line.toString()));
    if (!parsed.success) return undefined;
    const { stream, emitted_at, data } = parsed.data.record;
    if (isExactNumber(data)) return undefined;
    return { stream, emitted_at, data: JSON.stringify(data) };
  } catch {
    // Not JSON, or nested so deeply (thousands of levels) that the stack is used up.
    return undefined;
  }
}
