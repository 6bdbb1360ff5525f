/** More requests under way than this bring nothing, and hold memory: a page is rarely larger than 1 MiB (P4). */
export const SLOTS_MAX = 64;
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
