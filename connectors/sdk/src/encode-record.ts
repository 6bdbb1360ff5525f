import { CodedError, LINE_BYTES_MAX, RECORD_LINE_TAIL, type RecordPayload, recordLineHead } from '@penstock/protocol';
import type { BufferPool } from './buffer-pool.ts';
import { WRITE_BYTES } from './limit.ts';
import type { RecordBatch } from './source.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

function refuseLong(stream: string, bytes: number): never {
  throw new CodedError('line_too_long', {
    message: `A record of stream "${stream}" makes a line of ${bytes} bytes; at most ${LINE_BYTES_MAX} are allowed.`,
  });
}

let checkedTime = '';

/** Records of one page share their time, so it is checked once for all of them. */
function checkedHead(stream: unknown, emittedAt: unknown): string {
  if (typeof stream !== 'string' || stream === '') {
    throw new CodedError('protocol_violated', {
      message: 'The connector gave a record without the name of its stream.',
    });
  }
  if (emittedAt !== checkedTime) {
    if (typeof emittedAt !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z$/.test(emittedAt)) {
      throw new CodedError('protocol_violated', {
        message: `The connector gave a record of stream "${stream}" whose emitted_at is not ISO 8601 in UTC.`,
      });
    }
    checkedTime = emittedAt;
  }
  return recordLineHead(stream, checkedTime);
}

/**
 * One record as its canonical line, whatever the order of its keys was.
 *
 * @throws CodedError `protocol_violated` when it is none, `line_too_long`
 */
export function encodeRecord({ stream, emitted_at, data }: RecordPayload): string {
  const head = checkedHead(stream, emitted_at);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new CodedError('protocol_violated', {
      message: `The connector gave a record of stream "${stream}" whose data is no object.`,
    });
  }
  const line = head + JSON.stringify(data) + RECORD_LINE_TAIL;
  // A UTF-16 code unit is at most three bytes, so most lines need not be measured.
  if (line.length * 3 > LINE_BYTES_MAX) {
    const bytes = Buffer.byteLength(line) - 1;
    if (bytes > LINE_BYTES_MAX) refuseLong(stream, bytes);
  }
  return line;
}

/** Some records of a batch as lines. */
export interface EncodedRecords {
  readonly lines: Buffer;
  readonly recordCount: number;
}

/**
 * A batch as canonical lines, in buffers of about {@link WRITE_BYTES}. Each value is copied once, as it is; a line break
 * between tokens, which JSON allows and the wire doesn't, becomes a space.
 *
 * @param pool has the memory of the lines, to be given back when they are written
 * @throws CodedError `protocol_violated` when an item is not the text of an object, `line_too_long`
 */
export function* encodeRecordBatch(batch: RecordBatch, pool: BufferPool): Generator<EncodedRecords, void, undefined> {
  const { stream, data } = batch;
  const head = Buffer.from(checkedHead(stream, batch.emitted_at));
  const around = head.length + RECORD_LINE_TAIL.length;
  const sizes = data.map((item) => (typeof item === 'string' ? Buffer.byteLength(item) : item.length));
  let first = 0;
  while (first < data.length) {
    let bytes = 0;
    let end = first;
    while (end < data.length && (end === first || bytes + sizes[end]! + around <= WRITE_BYTES)) {
      const lineBytes = sizes[end]! + around;
      if (lineBytes - 1 > LINE_BYTES_MAX) refuseLong(stream, lineBytes - 1);
      bytes += lineBytes;
      end += 1;
    }
    const lines = pool.take(bytes);
    encodeItems(lines, stream, head, data, sizes, first, end);
    yield { lines, recordCount: end - first };
    first = end;
  }
}

function encodeItems(
  lines: Buffer,
  stream: string,
  head: Buffer,
  data: RecordBatch['data'],
  sizes: readonly number[],
  first: number,
  end: number,
): void {
  const newlines: number[] = [];
  let at = 0;
  for (let i = first; i < end; i++) {
    const item = data[i]!;
    lines.set(head, at);
    at += head.length;
    if (typeof item === 'string') lines.write(item, at, 'utf8');
    else lines.set(item, at);
    const itemEnd = at + sizes[i]!;
    if (lines[at] !== OPENING_BRACE || lines[itemEnd - 1] !== CLOSING_BRACE) {
      throw new CodedError('protocol_violated', {
        message: `The connector gave a record of stream "${stream}" that is not the text of a JSON object: it has to begin with { and end with }.`,
      });
    }
    lines[itemEnd] = CLOSING_BRACE;
    lines[itemEnd + 1] = CLOSING_BRACE;
    // The newline itself is set last, so that one search over all lines tells whether any other is in them.
    lines[itemEnd + 2] = SPACE;
    newlines.push(itemEnd + 2);
    at = itemEnd + RECORD_LINE_TAIL.length;
  }
  for (const breaking of [NEWLINE, CARRIAGE_RETURN]) {
    for (let i = lines.indexOf(breaking); i !== -1; i = lines.indexOf(breaking, i + 1)) lines[i] = SPACE;
  }
  for (const newline of newlines) lines[newline] = NEWLINE;
}
