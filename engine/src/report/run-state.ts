import type { StreamProgress } from '@penstock/protocol';
import type { Style } from './paint.ts';
import type { RunView } from './run-view.ts';

/** A shorter wait is over before it has been read, in milliseconds. */
const WAIT_MIN_MS = 1_000;

/** What goes on, or what happens next. */
export interface RunState {
  readonly text: string;
  readonly style: Style;
}

/**
 * The state of the run in a few words. Pure.
 *
 * @param isMoving whether records came lately
 * @param now milliseconds
 */
export function runState(view: RunView, isMoving: boolean, now: number): RunState {
  const { progress, waiting, isStopping } = view;
  if (progress?.connection_status !== undefined) return { text: 'failed: both sides end', style: 'red' };
  const seconds = waitSeconds(view, now);
  const wait = seconds === undefined ? undefined : `${waiting!.who}: tried again in ${seconds} s`;
  if (isStopping) return { text: `stopping: ${wait ?? 'the destination finishes'}`, style: 'yellow' };
  if (wait !== undefined) return { text: isMoving ? wait : `waiting for ${wait}`, style: 'yellow' };
  if (progress === undefined) return { text: 'starting', style: 'dim' };
  const of = (status: StreamProgress['status']) => Object.values(progress.streams).some((s) => s.status === status);
  if (of('started')) return { text: 'reading', style: 'cyan' };
  if (!of('not_started')) return { text: 'ending: state is saved', style: 'cyan' };
  return { text: 'preparing', style: 'dim' };
}

function waitSeconds({ waiting }: RunView, now: number): number | undefined {
  if (waiting === undefined || waiting.until - waiting.since < WAIT_MIN_MS || waiting.until < now) return undefined;
  return Math.max(1, Math.ceil((waiting.until - now) / 1000));
}
