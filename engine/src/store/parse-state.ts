import { CodedError, describeIssues, parseExactly, type SyncState, syncStateSchema } from '@penstock/protocol';

/** Largest state of one stream, as JSON in bytes. A source whose state grows without bound has a defect. */
export const STREAM_STATE_BYTES_MAX = 1024 * 1024;

/** What was read is no state. @param where file or row @param why what was expected */
export function stateInvalid(where: string, why: string, cause?: unknown): CodedError {
  return new CodedError('state_invalid', {
    message: `The saved state in ${where} is not valid: ${why}.`,
    remedy: 'Start afresh with --reset-state, or restore it from a backup.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** JSON text as a value, in which numbers keep their digits. @throws CodedError `state_invalid` naming `where` */
export function parseStateJson(text: string, where: string): unknown {
  try {
    return parseExactly(text);
  } catch (cause) {
    throw stateInvalid(where, `not JSON: ${(cause as Error).message}`, cause);
  }
}

/** A value as state. @throws CodedError `state_invalid` naming `where` and the field */
export function parseState(value: unknown, where: string): SyncState {
  const parsed = syncStateSchema.safeParse(value);
  if (!parsed.success) throw stateInvalid(where, describeIssues(parsed.error));
  return parsed.data;
}

/** The state of one stream as JSON. @throws CodedError `protocol_violated` when it is over the limit */
export function encodeStreamState(stream: string, data: unknown): string {
  const text = JSON.stringify(data) ?? 'null';
  const bytes = Buffer.byteLength(text);
  if (bytes <= STREAM_STATE_BYTES_MAX) return text;
  throw new CodedError('protocol_violated', {
    message: `The source's state of stream "${stream}" has ${bytes} bytes; at most ${STREAM_STATE_BYTES_MAX} are kept.`,
  });
}
