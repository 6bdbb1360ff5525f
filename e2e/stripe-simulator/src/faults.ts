import { hashIndex, mix, unit } from './random.ts';

/** The longest that an event can be late, in seconds. */
export const lateSecondsMax = 86_400;

/** What goes wrong, and how fast things go. All of it can be changed while the simulator runs. */
export type Faults = {
  /** Milliseconds that every answer takes at least. */
  latency_ms: number;
  /** Up to so many milliseconds more, another number for each request. */
  latency_jitter_ms: number;
  /** Requests a second; null for no limit. */
  rate_limit: number | null;
  /** Whether 429 comes with `Retry-After`. */
  retry_after: boolean;
  /** Share of requests that are answered with 500. */
  error_rate: number;
  /** Share of answers that break off in the middle. */
  reset_rate: number;
  /** Paths that the key may not read (403). */
  forbidden: string[];
  /** Paths whose product the account hasn't got (400). */
  not_enabled: string[];
  /** Paths that answer 200 with a page of HTML. */
  garbage: string[];
  /** Share of events that are seen only some time after their `created`. */
  events_late: number;
  /** Seconds that these are late at most, at least one. */
  events_late_seconds: number;
  /** Share of events that have a second one, with another id, about the same. */
  events_doubled: number;
  /** Paths about whose objects events say only `id`, `object` and `metadata`. */
  events_partial: string[];
  /** Share of events that were made under an older API version. */
  events_older: number;
};

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

/**
 * What chance has in store for one event; the same for the same seed and number.
 *
 * @param path of the list of the event's object
 */
export function eventFateOf(
  seed: number,
  eventNumber: number,
  path: string,
  faults: Faults,
): { lateS: number; isDoubled: boolean; isPartial: boolean; isOlder: boolean } {
  const dice = (salt: number) => unit(mix(hashIndex(seed, eventNumber), salt));
  return {
    lateS: dice(11) < faults.events_late ? 1 + Math.floor(dice(12) * faults.events_late_seconds) : 0,
    isDoubled: dice(13) < faults.events_doubled,
    isPartial: isUnder(faults.events_partial, path),
    isOlder: dice(14) < faults.events_older,
  };
}

/**
 * Whether the second of a pair of events tells the same as the first, so that among all the right share has a double
 * while their number stays what it is.
 */
export function doublesInPairs(seed: number, eventNumber: number, { events_doubled: share }: Faults): boolean {
  // With p of n/2 pairs doubled there are n - p·n/2 different events; p·n/2 is the share of these.
  return share > 0 && unit(mix(hashIndex(seed, eventNumber), 13)) < (2 * share) / (1 + share);
}

/** Whether a request belongs to one of the listed paths: the list itself, or what lies under it. */
export function isUnder(paths: readonly string[], path: string): boolean {
  return paths.some((p) => path === p || path.startsWith(`${p}/`));
}
