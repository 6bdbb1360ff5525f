import type { Grant, RateLimit } from '../rate-limit.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Whether a request that arrives then is let through, where so many a second are allowed. */
export type ServerRule = (nowMs: number, perSecond: number) => boolean;

/** A token bucket. @param burstS its size in seconds' worth @param burstMin its least size in requests */
export function bucketRule(burstS: number, burstMin = 1): ServerRule {
  let tokens = Number.POSITIVE_INFINITY;
  let at = 0;
  return (nowMs, perSecond) => {
    tokens = Math.min(Math.max(burstMin, perSecond * burstS), tokens + ((nowMs - at) / 1000) * perSecond);
    at = nowMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** A counter that begins anew each second. */
export function windowRule(): ServerRule {
  let second = -1;
  let count = 0;
  return (nowMs, perSecond) => {
    if (Math.floor(nowMs / 1000) !== second) count = 0;
    second = Math.floor(nowMs / 1000);
    if (count + 1 > perSecond) return false;
    count++;
    return true;
  };
}

/** What {@link askAlways} is told. */
export interface Asking {
  readonly clock: VirtualClock;
  readonly limit: RateLimit;
  readonly rule: ServerRule;
  readonly allowed: (nowMs: number) => number;
  readonly workers: number;
  readonly retryAfterMs: number;
  readonly random: () => number;
}

/** When requests were answered, in milliseconds. */
export interface Answers {
  readonly passed: number[];
  readonly refused: number[];
}

/** Workers that always ask, over a connection of 50 to 300 ms; what is refused is tried again. Goes on as the clock does. */
export function askAlways(asking: Asking): Answers {
  const { clock, limit, rule, allowed, workers, retryAfterMs, random } = asking;
  const answers: Answers = { passed: [], refused: [] };
  const never = new AbortController().signal;
  const ask = async (grant: Grant): Promise<boolean> => {
    const latencyMs = 50 + 250 * random() ** 2;
    const wayMs = 10 + 10 * random();
    await clock.sleep(wayMs);
    const isPassed = rule(clock.now(), allowed(clock.now()));
    // What is refused costs the server no work.
    await clock.sleep(isPassed ? latencyMs - wayMs : 30 + 100 * random());
    answers[isPassed ? 'passed' : 'refused'].push(clock.now());
    if (isPassed) grant.answered();
    else grant.refused(retryAfterMs);
    return isPassed;
  };
  const work = async (): Promise<void> => {
    for (let retry = 0; ; retry++) {
      if (await ask(await limit.take(never))) retry = -1;
      else await clock.sleep(Math.max(retryAfterMs, random() * Math.min(30_000, 500 * 2 ** retry)));
    }
  };
  for (let i = 0; i < workers; i++) void work();
  return answers;
}
