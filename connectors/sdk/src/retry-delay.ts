import { type Clock, systemClock } from './clock.ts';

/** How often and how long something is tried. Bounded in number and in time (P4). */
export interface RetryPolicy {
  /** Upper end of the first delay, in milliseconds; it doubles with each retry. */
  readonly baseMs: number;
  /** No delay is longer, in milliseconds. What the other side asks for (`notBeforeMs`) may be. */
  readonly delayMaxMs: number;
  /** Tries after the first one. */
  readonly retriesMax: number;
  /** No retry starts later than this after the first try, in milliseconds. */
  readonly elapsedMaxMs: number;
}

/** 8 retries within 5 minutes. */
export const defaultRetryPolicy: RetryPolicy = {
  baseMs: 500,
  delayMaxMs: 30_000,
  retriesMax: 8,
  elapsedMaxMs: 300_000,
};

/**
 * Exponential backoff with full jitter: evenly spread between 0 and `baseMs * 2^(retry - 1)`, so that many clients that
 * failed at the same moment don't come back at the same moment.
 *
 * @param retry 1 is the first retry
 * @param random in [0, 1)
 * @returns milliseconds
 */
export function retryDelayMs(retry: number, policy: RetryPolicy, random: () => number): number {
  return Math.floor(random() * Math.min(policy.delayMaxMs, policy.baseMs * 2 ** (retry - 1)));
}

/** What to do about a failed try: give up (undefined), or try again, not sooner than the other side asked. */
export type RetryAdvice = { readonly notBeforeMs?: number } | undefined;

/** What {@link withRetries} needs to know besides the work itself. */
export interface RetryOptions {
  /** Looks at the error of a failed try. */
  readonly advise: (error: unknown) => RetryAdvice;
  readonly policy?: RetryPolicy;
  /** Ends the waiting at once. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Called before each wait, for the log. */
  readonly onRetry?: (error: unknown, retry: number, delayMs: number) => void;
}

/**
 * Runs `work` until it succeeds, its error is not worth a retry, or the policy's bounds are reached.
 *
 * @param work gets the number of the try, from 0
 * @throws the error of the last try; the signal's reason when it is aborted meanwhile
 */
export async function withRetries<T>(work: (tryNumber: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { policy = defaultRetryPolicy, clock = systemClock, random = Math.random, signal } = options;
  const startedAt = clock.now();
  for (let retry = 1; ; retry++) {
    signal?.throwIfAborted();
    try {
      return await work(retry - 1);
    } catch (error) {
      signal?.throwIfAborted();
      const advice = options.advise(error);
      if (advice === undefined || retry > policy.retriesMax) throw error;
      const delayMs = Math.max(advice.notBeforeMs ?? 0, retryDelayMs(retry, policy, random));
      if (clock.now() + delayMs - startedAt > policy.elapsedMaxMs) throw error;
      options.onRetry?.(error, retry, delayMs);
      await clock.sleep(delayMs, signal);
    }
  }
}
