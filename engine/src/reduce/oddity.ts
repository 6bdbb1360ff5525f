import type { LogPayload, ProgressPayload } from '@penstock/protocol';
import type { EngineEvent } from './event.ts';
import { isTerminal } from './progress.ts';

/**
 * What is odd about an event, given the progress before it: a checkpoint before the start of its stream or after its end,
 * a second start, something after the end, an unknown stream. Odd is not wrong: the run goes on, and whoever looks for the
 * reason of something strange finds it in the log at debug level. Only a failure after the end is a warning. Pure.
 */
export function oddityOf(progress: ProgressPayload, event: EngineEvent): LogPayload | undefined {
  const seen = whatHappened(event);
  if (seen === undefined) return undefined;
  const log = (message: string): LogPayload => ({ level: 'debug', stream: seen.stream, message });
  if (!Object.hasOwn(progress.streams, seen.stream)) return log(`${seen.what} for a stream that is not in the catalog`);
  const { status } = progress.streams[seen.stream]!;
  if (isTerminal(status)) {
    if (seen.evenAfterEnd) return undefined;
    const text = `${seen.what} after the stream was ${status}`;
    // Nobody would hear of the failure otherwise, since the first end is final.
    if (seen.error === undefined || status === 'errored') return log(text);
    return { ...log(`${text}, which it stays: ${seen.error}`), level: 'warn' };
  }
  if (seen.what === 'start') return status === 'started' ? log('second start') : undefined;
  if (status === 'not_started' && !seen.evenBeforeStart) return log(`${seen.what} before the stream was started`);
  return undefined;
}

interface Happened {
  readonly stream: string;
  readonly what: string;
  readonly evenBeforeStart?: boolean;
  readonly evenAfterEnd?: boolean;
  /** Why the stream failed, where it says that it did. */
  readonly error?: string;
}

function whatHappened(event: EngineEvent): Happened | undefined {
  // The relay runs ahead of the destination, from which a stream's start comes back.
  if (event.type === 'records_relayed') {
    return { stream: event.stream, what: 'record', evenBeforeStart: true, evenAfterEnd: true };
  }
  if (event.type !== 'message') return undefined;
  const { message } = event;
  switch (message.type) {
    case 'source_state':
      return message.source_state.state_type === 'stream'
        ? { stream: message.source_state.stream, what: 'state' }
        : undefined;
    case 'write_result':
      return { stream: message.write_result.stream, what: 'write result', evenBeforeStart: true };
    case 'stream_status': {
      const { stream, status } = message.stream_status;
      // A stream may be skipped or fail without ever having begun.
      const seen = { stream, what: status, evenBeforeStart: status === 'skip' || status === 'error' };
      return message.stream_status.status === 'error' ? { ...seen, error: message.stream_status.error } : seen;
    }
    default:
      return undefined;
  }
}
