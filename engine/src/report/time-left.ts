import type { RunView } from './run-view.ts';

/** Nothing is estimated from less than that, in milliseconds. */
const WINDOW_MIN_MS = 15_000;

/** A stream of which less is complete has not shown yet how its records lie in time. */
const COVERED_MIN = 0.05;

/**
 * How long the streams that are being read will take, in milliseconds, at the pace of the last half minute; undefined where
 * that would be a guess: while streams have not begun, while one that is being read has no range, hardly any of it complete
 * or no progress in it. Pure.
 *
 * The streams share one pace, so what is left of all of them is added up: of each in records, as dense as they were in the
 * part that was read last. That lies unevenly over time, so the result is about right at best. Streams that read nothing
 * lately wait for something else, and count as done.
 */
export function timeLeftMs({ progress, coverage, isStopping }: RunView): number | undefined {
  const [first, last] = [coverage[0], coverage.at(-1)];
  if (progress === undefined || first === undefined || last === undefined || isStopping) return undefined;
  if (last.at - first.at < WINDOW_MIN_MS) return undefined;
  if (Object.values(progress.streams).some(({ status }) => status === 'not_started')) return undefined;
  let [read, left] = [0, 0];
  for (const [name, after] of last.streams) {
    const before = first.streams.get(name) ?? { records: 0, covered: 0 };
    const records = after.records - before.records;
    if (progress.streams[name]?.status !== 'started' || records <= 0) continue;
    const { covered } = after;
    if (covered === undefined || covered < COVERED_MIN) return undefined;
    const gained = covered - (before.covered ?? 0);
    if (covered < 1 && gained <= 0) return undefined;
    read += records;
    left += covered === 1 ? 0 : ((1 - covered) * records) / gained;
  }
  return left === 0 ? undefined : (left / read) * (last.at - first.at);
}

/** As coarse as an estimate is: `under a minute`, `4 min`, `2 h 10 min`. */
export function formatTimeLeft(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes <= 1) return 'under a minute';
  if (minutes < 60) return `${minutes} min`;
  const rounded = Math.ceil(minutes / 10) * 10;
  const rest = rounded % 60;
  return `${Math.floor(rounded / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
}
