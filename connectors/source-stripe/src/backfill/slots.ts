/**
 * Requests under way at most, since each holds a page in memory (P4). Enough for 100 requests a second, what Stripe allows at
 * most, of a quarter of a second each.
 */
export const SLOTS_MAX = 32;
/** Latency varies; a little more than the average keeps the rate used. */
const SPARE = 1.25;
/** While nothing was measured, in milliseconds. */
const LATENCY_UNKNOWN_MS = 200;

/**
 * Requests that have to be under way at once for the rate to be used.
 *
 * @param requestsPerSecond as configured
 * @param latencyMs as measured; undefined before the first answer
 */
export function slotsFor(requestsPerSecond: number, latencyMs: number | undefined): number {
  const needed = (requestsPerSecond * (latencyMs ?? LATENCY_UNKNOWN_MS) * SPARE) / 1000;
  return Math.min(SLOTS_MAX, 1 + Math.ceil(needed));
}
