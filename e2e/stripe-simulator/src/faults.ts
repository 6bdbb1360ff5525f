import { z } from 'zod';
import { mix, unit } from './random.ts';

const share = z.number().min(0).max(1);

/** What goes wrong, and how fast things go. All of it can be changed while the simulator runs. */
export const faultsSchema = z.strictObject({
  /** Milliseconds that every answer takes at least. */
  latency_ms: z.number().min(0),
  /** Up to so many milliseconds more, another number for each request. */
  latency_jitter_ms: z.number().min(0),
  /** Requests a second; null for no limit. */
  rate_limit: z.number().positive().nullable(),
  /** Share of requests that are answered with 500. */
  error_rate: share,
  /** Share of answers that break off in the middle. */
  reset_rate: share,
  /** Paths that the key may not read (403). */
  forbidden: z.array(z.string()),
  /** Paths whose product the account hasn't got (400). */
  not_enabled: z.array(z.string()),
  /** Paths that answer 200 with a page of HTML. */
  garbage: z.array(z.string()),
});

/** What goes wrong, and how fast things go. */
export type Faults = z.infer<typeof faultsSchema>;

/** What chance has in store for one request; the same for the same seed and number. */
export function fateOf(
  seed: number,
  requestNumber: number,
  faults: Faults,
): { delayMs: number; fails: boolean; breaks: boolean } {
  const dice = (salt: number) => unit(mix(mix(seed, requestNumber), salt));
  return {
    delayMs: faults.latency_ms + dice(1) * faults.latency_jitter_ms,
    fails: dice(2) < faults.error_rate,
    breaks: dice(3) < faults.reset_rate,
  };
}

/** Whether a request belongs to one of the listed paths: the list itself, or what lies under it. */
export function isUnder(paths: readonly string[], path: string): boolean {
  return paths.some((p) => path === p || path.startsWith(`${p}/`));
}
