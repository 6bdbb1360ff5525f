import type { ConfiguredStream } from '@penstock/protocol';
import type { Window } from '../ranges/range.ts';
import { secondOf } from '../ranges/stream-state.ts';

/**
 * The window that a run accounts for: no older than the account, no newer than what Stripe has surely made visible.
 *
 * @param timeRange of the user or the run; holds only for streams that can be filtered by time
 * @param visibleUntil Stripe's clock less the margin
 */
export function windowOf(
  timeRange: ConfiguredStream['time_range'],
  accountCreated: number,
  visibleUntil: number,
): Window {
  const gte = timeRange?.gte === undefined ? accountCreated : secondOf(timeRange.gte);
  const lt = timeRange?.lt === undefined ? visibleUntil : Math.min(secondOf(timeRange.lt), visibleUntil);
  return { gte, lt: Math.max(gte, lt) };
}
