import type { EofPayload, ProgressPayload } from '@penstock/protocol';
import { isTerminal } from './progress.ts';

/** Calls in a row that bring nothing, after which going on is given up. */
const FRUITLESS_CALLS_MAX = 5;

/** The pause after the first failure, in milliseconds; each one in a row that brings nothing doubles it. */
const FIRST_PAUSE_MS = 1_000;

/** Longest pause, in milliseconds. */
const PAUSE_MS_MAX = 60_000;

/** How a call of a run ended, and what is known of those before it. */
export interface EndedCall {
  readonly eof: EofPayload;
  /** Whether what ended the call as a whole, if anything did, may be mended by trying again. */
  readonly isWorthRetry: boolean;
  /** Whether it got as far as the run. One that did not, as when the state could not be read, has brought nothing. */
  readonly hasBegun: boolean;
  /** Progress of the run before the call. */
  readonly before: ProgressPayload | undefined;
  /** Calls directly before it that brought nothing. */
  readonly fruitless: number;
}

/** What comes after a call: another one after a pause, or nothing. */
export type NextCall =
  | { readonly kind: 'over' }
  | {
      readonly kind: 'again';
      /** Milliseconds. */
      readonly delayMs: number;
      readonly fruitless: number;
    };

/**
 * Whether a run that is to go on until it is done needs another call. It does when the source was cut off by itself, when a
 * call or a stream failed by something that another try may mend; not when it was stopped on demand, when only a person can
 * help, and not when {@link FRUITLESS_CALLS_MAX} calls in a row brought nothing. Pure.
 */
export function nextCall({ eof, isWorthRetry, hasBegun, before, fruitless }: EndedCall): NextCall {
  const { reason, has_more, run_progress } = eof;
  if (reason === 'time_limit' || reason === 'record_limit') return { kind: 'over' };
  const isFailed = reason === 'error';
  const isWholeCall = run_progress.connection_status !== undefined;
  if (isFailed && isWholeCall && !isWorthRetry) return { kind: 'over' };
  const isLeft = Object.values(run_progress.streams).some(isLeftToDo);
  if (!has_more && !isLeft && !(isFailed && isWholeCall)) return { kind: 'over' };
  const broughtNothing = before !== undefined && (!hasBegun || workDone(run_progress) === workDone(before));
  const now = broughtNothing || before === undefined ? fruitless + 1 : 0;
  if (now >= FRUITLESS_CALLS_MAX) return { kind: 'over' };
  const delayMs = isFailed || broughtNothing ? Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** Math.max(0, now - 1)) : 0;
  return { kind: 'again', delayMs, fruitless: now };
}

function isLeftToDo({ status, failure_type }: ProgressPayload['streams'][string]): boolean {
  return status === 'errored' ? failure_type !== 'config' : !isTerminal(status);
}

/** Something that is another value after any record, checkpoint, range or end that came through. */
function workDone({ global_state_count, streams }: ProgressPayload): string {
  const work = Object.entries(streams).map(([name, stream]) => {
    const ended = stream.status === 'completed' || stream.status === 'skipped';
    return [name, stream.record_count, stream.state_count, stream.synced_through, stream.completed_ranges, ended];
  });
  return JSON.stringify([global_state_count, work.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))]);
}
