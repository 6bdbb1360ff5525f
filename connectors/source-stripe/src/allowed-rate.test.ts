import { seededRandom } from '@penstock/connector-sdk/testing';
import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';
import { type Answers, askAlways, bucketRule, type ServerRule, windowRule } from './testing/limited-server.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const rules: Readonly<Record<string, () => ServerRule>> = {
  'bursts of a second': () => bucketRule(1),
  'hardly a burst': () => bucketRule(0.05, 2),
  'a counter a second': windowRule,
};

interface Case {
  readonly rule: string;
  readonly configured: number;
  readonly allowed: number;
  readonly retryAfterMs: number;
  readonly seed: number;
}

const cases: readonly Case[] = Object.keys(rules).flatMap((rule, r) =>
  [95, 50, 40, 25, 10, 5].flatMap((allowed, a) =>
    [100, 20]
      .filter((configured) => configured > allowed)
      .map((configured, c) => ({ rule, configured, allowed, retryAfterMs: a % 2 === 0 ? 0 : 1000, seed: r + c + 1 })),
  ),
);

/** Requests of a time, in milliseconds. */
function within(times: readonly number[], fromMs: number, toMs: number): number {
  return times.filter((at) => at > fromMs && at <= toMs).length;
}

function share({ passed, refused }: Answers): number {
  return refused.length / (passed.length + refused.length);
}

describe('the rate where the server allows less than is configured', () => {
  it.each(cases)('of $configured/s, with $rule at $allowed/s, is used to the full with few 429s', async (c) => {
    const clock = new VirtualClock();
    const limit = new RateLimit(c.configured, clock);
    const rule = (rules[c.rule] as () => ServerRule)();
    const random = seededRandom(c.seed);
    const { retryAfterMs } = c;
    const answers = askAlways({ clock, limit, rule, allowed: () => c.allowed, workers: 40, retryAfterMs, random });
    await clock.runUntil(60_000);
    expect(share(answers)).toBeLessThanOrEqual(0.05);
    expect(within(answers.passed, 10_000, 60_000) / (c.allowed * 50)).toBeGreaterThanOrEqual(0.9);
  });

  it.each([
    { from: 100, to: 10, seed: 1 },
    { from: 50, to: 5, seed: 2 },
    { from: 95, to: 25, seed: 3 },
  ])('follows a limit that falls from $from to $to a second, and finds within a minute that it rose', async (c) => {
    for (const [name, makeRule] of Object.entries(rules)) {
      const clock = new VirtualClock();
      const limit = new RateLimit(100, clock);
      const allowed = (nowMs: number): number => (nowMs >= 60_000 && nowMs < 180_000 ? c.to : c.from);
      const random = seededRandom(c.seed);
      const answers = askAlways({ clock, limit, rule: makeRule(), allowed, workers: 40, retryAfterMs: 0, random });
      await clock.runUntil(300_000);
      expect(share(answers), name).toBeLessThanOrEqual(0.05);
      expect(within(answers.passed, 80_000, 180_000) / (c.to * 100), name).toBeGreaterThan(0.9);
      expect(within(answers.passed, 250_000, 300_000) / (c.from * 50), name).toBeGreaterThan(0.9);
    }
  });

  it('loses no time where everything is allowed', async () => {
    const clock = new VirtualClock();
    const limit = new RateLimit(100, clock);
    const allowed = (): number => Number.POSITIVE_INFINITY;
    const options = { clock, limit, rule: () => true, allowed, workers: 40, retryAfterMs: 0, random: seededRandom(1) };
    const answers = askAlways(options);
    await clock.runUntil(5000);
    expect(within(answers.passed, 0, 5000)).toBeGreaterThan(475);
    expect(limit.rate).toBe(100);
  });

  it('asks seldom while everything is refused, and comes back when it no longer is', async () => {
    const clock = new VirtualClock();
    const limit = new RateLimit(20, clock);
    const rule = (nowMs: number): boolean => nowMs < 10_000 || nowMs >= 70_000;
    const options = { clock, limit, rule, allowed: () => 20, workers: 40, retryAfterMs: 0, random: seededRandom(1) };
    const answers = askAlways(options);
    await clock.runUntil(120_000);
    expect(within(answers.refused, 20_000, 70_000)).toBeLessThan(30);
    expect(within(answers.passed, 100_000, 120_000)).toBeGreaterThan(0.9 * 20 * 20);
  });
});
