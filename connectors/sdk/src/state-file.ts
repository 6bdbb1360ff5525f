import {
  CodedError,
  type ConfiguredCatalog,
  describeIssues,
  emptySourceState,
  LineSplitter,
  parseLine,
  reduceSourceState,
  type SourceStateSet,
  sourceStateSetSchema,
} from '@penstock/protocol';
import type { z } from 'zod';
import { parseJsonText } from './config-file.ts';
import type { ConnectorLog } from './connector-log.ts';

interface PrintedState {
  readonly state: SourceStateSet;
  readonly messageCount: number;
  readonly passedOver: number;
}

/** The checkpoints among the lines that an earlier run printed, reduced. Lines that are no message are passed over. */
function reducePrintedLines(bytes: Buffer): PrintedState {
  let state = emptySourceState();
  let messageCount = 0;
  let passedOver = 0;
  const take = (line: Buffer): void => {
    const parsed = parseLine(line);
    if (parsed.kind === 'invalid') passedOver += 1;
    if (parsed.kind !== 'message') return;
    messageCount += 1;
    const { message } = parsed;
    if (message.type === 'source_state') state = reduceSourceState(state, message.source_state);
    else if (message.type === 'eof') state = message.eof.ending_state.source;
  };
  const splitter = new LineSplitter();
  splitter.push(bytes, (chunk, start, end) => take(chunk.subarray(start, end)));
  const rest = splitter.takeRest();
  // A message that lacks nothing but its newline is whole: the closing brace is its last byte.
  if (rest !== undefined) take(rest);
  return { state, messageCount, passedOver };
}

/**
 * The source's state from the content of a `--state` file: `{streams, global}`, a whole saved state (`{source: …}`), or
 * the lines that an earlier run printed. There a line that was cut off is passed over, with a warning: without its
 * checkpoint some records are read once more, which is harmless (P2).
 *
 * @throws CodedError `file_invalid` when it is neither JSON nor messages, `state_invalid` when it is no state
 */
export function readState(where: string, bytes: Buffer, log: ConnectorLog): SourceStateSet {
  const printed = reducePrintedLines(bytes);
  if (printed.messageCount > 0) {
    if (printed.passedOver > 0) {
      log.warn(
        `${where}: ${printed.passedOver} lines are no messages, probably cut off when a run was killed; passed over.`,
      );
    }
    return printed.state;
  }
  const value = parseJsonText(where, bytes);
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
