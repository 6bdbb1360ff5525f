import {
  CodedError,
  type ConfiguredCatalog,
  describeIssues,
  emptySourceState,
  LineSplitter,
  parseLine,
  RecordPeek,
  reduceSourceState,
  type SourceStateSet,
  sourceStateSetSchema,
} from '@penstock/protocol';
import type * as z from 'zod';
import { parseJsonText } from './config-file.ts';
import type { ConnectorLog } from './connector-log.ts';
import { FILE_BYTES_MAX } from './limit.ts';
import { refuseLarge } from './open-file.ts';

/** The checkpoints among the lines that an earlier run printed, reduced. Lines that are no message are passed over. */
class PrintedLines {
  readonly #splitter = new LineSplitter(FILE_BYTES_MAX);
  readonly #peek = new RecordPeek();
  state = emptySourceState();
  messageCount = 0;
  passedOver = 0;

  push(chunk: Buffer): void {
    this.#splitter.push(chunk, (bytes, start, end) => {
      // What `read` itself printed is nearly all records; none of them needs a closer look.
      if (this.#peek.stream(bytes, start, end) === undefined) this.#take(bytes.subarray(start, end));
      else this.messageCount += 1;
    });
  }

  end(): void {
    const rest = this.#splitter.takeRest();
    // A message that lacks nothing but its newline is whole: the closing brace is its last byte.
    if (rest !== undefined) this.#take(rest);
  }

  #take(line: Buffer): void {
    const parsed = parseLine(line);
    if (parsed.kind === 'invalid') this.passedOver += 1;
    if (parsed.kind !== 'message') return;
    this.messageCount += 1;
    const { message } = parsed;
    if (message.type === 'source_state') this.state = reduceSourceState(this.state, message.source_state);
    else if (message.type === 'eof') this.state = message.eof.ending_state.source;
  }
}

/**
 * The source's state from the content of a `--state` file: `{streams, global}`, a whole saved state (`{source: …}`), or
 * the lines that an earlier run printed. There a line that was cut off is passed over, with a warning: without its
 * checkpoint some records are read once more, which is harmless (P2).
 *
 * Printed lines may be as many as they like; only what might be a state as JSON is kept in memory (P4).
 *
 * @throws CodedError `file_invalid` when it is neither JSON nor messages, `state_invalid` when it is no state
 */
export async function readState(
  where: string,
  chunks: AsyncIterable<Buffer>,
  log: ConnectorLog,
): Promise<SourceStateSet> {
  const printed = new PrintedLines();
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of chunks) {
    if (printed.messageCount === 0) {
      kept.push(chunk);
      keptBytes += chunk.length;
      if (keptBytes > FILE_BYTES_MAX) refuseLarge(where);
    } else kept = [];
    printed.push(chunk);
  }
  printed.end();
  if (printed.messageCount > 0) {
    if (printed.passedOver > 0) {
      log.warn(
        `${where}: passed over what is no message, probably cut off when a run was killed; lines: ${printed.passedOver}.`,
      );
    }
    // Numbers that are kept as they are written become doubles: a source wants numbers.
    return JSON.parse(JSON.stringify(printed.state)) as SourceStateSet;
  }
  const value = parseJsonText(where, Buffer.concat(kept, keptBytes));
  const inner = typeof value === 'object' && value !== null && 'source' in value ? value.source : value;
  const parsed = sourceStateSetSchema.strict().safeParse(inner);
  if (parsed.success) return parsed.data;
  throw new CodedError('state_invalid', {
    message: `${where} is not a state: ${describeIssues(parsed.error)}.`,
    remedy: 'Give {"streams": {…}, "global": {…}} or the lines that an earlier run printed.',
  });
}

/**
 * Checks the state of each stream of the catalog against the source's schema; state of other streams is kept as it is.
 *
 * @throws CodedError `state_invalid` with stream, path and reason: saved state is never silently dropped
 */
export function checkStreamStates(
  state: SourceStateSet,
  catalog: ConfiguredCatalog,
  schema: z.ZodType | undefined,
): SourceStateSet {
  if (schema === undefined) return state;
  const streams = { ...state.streams };
  for (const { stream } of catalog.streams) {
    if (!Object.hasOwn(streams, stream.name)) continue;
    const parsed = schema.safeParse(streams[stream.name]);
    if (!parsed.success) {
      throw new CodedError('state_invalid', {
        message: `The state of stream "${stream.name}" is not one that this source wrote: ${describeIssues(parsed.error)}.`,
        remedy: 'Give the state that this source wrote, or take this stream out of it to read the stream afresh.',
      });
    }
    streams[stream.name] = parsed.data;
  }
  return { ...state, streams };
}
