import { secondOf } from '../ranges/stream-state.ts';
import type { Emitted } from './read-source.ts';

/**
 * The time that a stream said to be complete, in seconds since 1970.
 *
 * @throws Error when there are gaps in it
 */
export function completedRange(emitted: Emitted, stream: string): { readonly gte: number; readonly lt: number } {
  const ranges = (emitted.statuses.get(stream) ?? [])
    .flatMap((status) => (status.status === 'range_complete' ? [status.range_complete] : []))
    .map(({ gte, lt }) => ({ gte: secondOf(gte as string), lt: secondOf(lt as string) }))
    .sort((a, b) => a.gte - b.gte);
  let [first] = ranges;
  if (first === undefined) throw new Error(`nothing of ${stream} is complete`);
  for (const { gte, lt } of ranges) {
    if (gte > first.lt) throw new Error(`${stream} is not complete between ${first.lt} and ${gte}`);
    first = { gte: first.gte, lt: Math.max(first.lt, lt) };
  }
  return first;
}
