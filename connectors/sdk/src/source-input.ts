import { addAbortSignal, type Readable } from 'node:stream';
import { describeIssues, InvalidLines, LineSplitter, showLine } from '@penstock/protocol';
import type * as z from 'zod';
import type { ConnectorLog } from './connector-log.ts';

/** The value of a line: bare, or in a `source_input` message. */
function unwrap(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'type' in value && value.type === 'source_input') {
    return (value as { source_input?: unknown }).source_input;
  }
  return value;
}

async function* untilAborted(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* addAbortSignal(signal, stream) as AsyncIterable<Buffer>;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/**
 * Reads what `--source-input` brings, one JSON value a line; the next one is read when it is asked for. A line that is no
 * JSON or that the schema refuses is a warning. Ends when `signal` is aborted, also while it waits: a source that waits for
 * the next event is to hear of the end of its run.
 *
 * @throws CodedError `protocol_violated` after too many of those, `line_too_long`
 */
export async function* readSourceInput(stream: Readable, schema: z.ZodType, log: ConnectorLog, signal: AbortSignal) {
  const splitter = new LineSplitter();
  const invalid = new InvalidLines('the source input');
  for await (const chunk of untilAborted(stream, signal)) {
    const values: unknown[] = [];
    splitter.push(chunk, (bytes, start, end) => {
      const line = bytes.subarray(start, end);
      const refuse = (reason: string): void => log.warn(invalid.add(splitter.lineNumber, line, reason).message);
      if (line.toString().trim() === '') return;
      let value: unknown;
      try {
        value = unwrap(JSON.parse(line.toString()));
      } catch {
        return refuse('not JSON');
      }
      const parsed = schema.safeParse(value);
      if (parsed.success) values.push(parsed.data);
      else refuse(describeIssues(parsed.error));
    });
    yield* values;
  }
  const rest = splitter.takeRest();
  if (rest !== undefined && !signal.aborted)
    log.warn(`The last line of the source input has no newline and is dropped: ${showLine(rest)}`);
}
