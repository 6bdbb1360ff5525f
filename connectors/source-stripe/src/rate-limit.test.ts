import type { Clock } from '@penstock/connector-sdk';
import { describe, expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';

const never = new AbortController().signal;

/** A clock that moves only when somebody sleeps, and then at once. */
class SleepClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.ms += ms;
  }
}

describe('RateLimit', () => {
  it('lets through no more than the rate and a tenth of a second on top, in every second', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(20, clock);
    const times: number[] = [];
    for (let i = 0; i < 200; i++) {
      await limit.take(never);
      times.push(clock.ms);
    }
    for (const from of times) {
      expect(times.filter((at) => at >= from && at < from + 1000).length).toBeLessThanOrEqual(22);
    }
    expect(times.at(-1)! - times[0]!).toBeLessThan(10_100);
  });

  it('gives tokens in the order in which they were asked for', async () => {
    const limit = new RateLimit(50, new SleepClock());
    const order: number[] = [];
    await Promise.all(Array.from({ length: 30 }, (_, i) => limit.take(never).then(() => order.push(i))));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('lets nobody through while Stripe asked to wait', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(100, clock);
    await limit.take(never);
    const asked = clock.ms;
    limit.slowDown(7000);
    await limit.take(never);
    expect(clock.ms - asked).toBeGreaterThanOrEqual(7000);
  });

  it('lowers the rate once for a burst of 429s, and grows back to what is configured', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(100, clock);
    for (let i = 0; i < 10; i++) limit.slowDown(0);
    expect(limit.rate).toBeCloseTo(70);
    clock.ms += 2000;
    limit.slowDown(0);
    expect(limit.rate).toBeLessThan(60);
    clock.ms += 60_000;
    expect(limit.rate).toBe(100);
  });

  it('never stops altogether, however many 429s there are', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(10, clock);
    for (let i = 0; i < 100; i++) {
      clock.ms += 1000;
      limit.slowDown(0);
    }
    expect(limit.rate).toBeGreaterThan(0.1);
    await limit.take(never);
  });

  it('spends little of its time on 429s where less is allowed than configured, and uses most of what is', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(20, clock);
    const allowed = 10;
    let granted: number[] = [];
    let refused = 0;
    let done = 0;
    const startedAt = clock.ms;
    while (done < 2000) {
      await limit.take(never);
      granted = granted.filter((at) => at > clock.ms - 1000);
      if (granted.length < allowed) {
        granted.push(clock.ms);
        done++;
      } else {
        refused++;
        limit.slowDown(0);
      }
    }
    expect(refused / (done + refused)).toBeLessThan(0.05);
    expect(done / ((clock.ms - startedAt) / 1000)).toBeGreaterThan(allowed * 0.7);
  });

  it('ends the waiting at once when it is aborted, and goes on for the others', async () => {
    const clock: Clock = {
      now: () => 0,
      sleep: (_ms, signal) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    };
    const limit = new RateLimit(1, clock);
    await limit.take(never);
    const abort = new AbortController();
    const waiting = limit.take(abort.signal);
    abort.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
  });

  it('survives a clock that is set back', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(10, clock);
    await limit.take(never);
    limit.slowDown(5000);
    clock.ms -= 3_600_000;
    const before = clock.ms;
    for (let i = 0; i < 10; i++) await limit.take(never);
    expect(clock.ms - before).toBeLessThan(2000);
  });
});
