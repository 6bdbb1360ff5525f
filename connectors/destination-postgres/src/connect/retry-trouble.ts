import { ConnectorError, type ConnectorLog, systemClock, withRetries } from '@penstock/connector-sdk';
import type { Config } from '../config.ts';
import { classify, reasonOf } from './postgres-error.ts';

/** What trying again goes by. */
export type RetryTrouble = {
  readonly config: Config;
  readonly log: ConnectorLog;
  readonly signal: AbortSignal;
  /** Aborted when the program was asked to stop: one more try at once, and no waiting any more. */
  readonly stopRequested: AbortSignal;
  /** What is tried again, for the log, as the beginning of a sentence. */
  readonly what: string;
  readonly stream?: string;
  /** Which errors are worth another try; {@link isPassing} by default. */
  readonly isPassing?: (error: unknown) => boolean;
};

/** Whether trying again can help, on another connection or on the same one. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectorError) return error.failureType === 'transient';
  return ['connection', 'transient'].includes(classify(error));
}

/**
 * Runs work until it succeeds, fails for good, or has failed for longer than the limits allow. The time counts from the first
 * failure: a batch that waited an hour behind a lock has not been in trouble that long.
 *
 * @throws the error of the last try; the signal's reason when it is aborted meanwhile
 */
export async function retryTrouble<T>(work: () => Promise<T>, options: RetryTrouble): Promise<T> {
  const { config, log, signal, stopRequested, what, stream } = options;
  const { retries_max: retriesMax, retry_seconds_max: secondsMax } = config.limits;
  const canPass = options.isPassing ?? isPassing;
  let failedAt: number | undefined;
  let isLastTry = false;
  const attempt = () => {
    isLastTry = stopRequested.aborted;
    return work();
  };
  return withRetries(attempt, {
    signal,
    clock: { ...systemClock, sleep: (ms) => sleepUnlessStopped(ms, signal, stopRequested) },
    policy: { baseMs: 200, delayMaxMs: 15_000, retriesMax, elapsedMaxMs: Number.POSITIVE_INFINITY },
    advise: (error) => {
      failedAt ??= Date.now();
      if (isLastTry || !canPass(error)) return undefined;
      return Date.now() - failedAt < secondsMax * 1000 ? {} : undefined;
    },
    onRetry: (error, retry, delayMs) =>
      log.warn(`${what} is tried again in ${delayMs} ms (${retry}): ${reasonOf(error)}`, {
        ...(stream !== undefined && { stream }),
        data: { retry_in_ms: delayMs },
      }),
  });
}

async function sleepUnlessStopped(ms: number, signal: AbortSignal, stopRequested: AbortSignal): Promise<void> {
  await systemClock.sleep(ms, AbortSignal.any([signal, stopRequested])).catch(() => {});
  signal.throwIfAborted();
}
