import type { Clock } from '@penstock/connector-sdk';
import { FakeClock } from '@penstock/connector-sdk/testing';
import { describe, expect, it, vi } from 'vitest';
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
    const permit = await limit.take(never);
    const asked = clock.ms;
    permit.refused(7000);
    await limit.take(never);
    expect(clock.ms - asked).toBeGreaterThanOrEqual(7000);
  });

  it('goes on for the others where the request that was refused is to wait a moment', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(100, clock);
    const permits = [await limit.take(never), await limit.take(never)];
    const asked = clock.ms;
    for (const permit of permits) permit.refused(1000);
    await limit.take(never);
    expect(clock.ms - asked).toBeLessThan(1000);
  });

  it('never stops altogether, however many 429s there are', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(10, clock);
    for (let i = 0; i < 100; i++) (await limit.take(never)).refused(0);
    expect(limit.rate).toBeGreaterThan(0.1);
    const from = clock.ms;
    await limit.take(never);
    expect(clock.ms - from).toBeLessThan(15_000);
  });

  it('gives a token that was given back to whoever waits next, once', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(1, clock);
    const permit = await limit.take(never);
    const next = [limit.take(never), limit.take(never)];
    permit.giveBack();
    permit.giveBack();
    (await next[0])?.answered();
    permit.giveBack();
    const first = await Promise.race([next[1], new Promise((done) => setImmediate(done, 'waits'))]);
    expect(first).toBe('waits');
    clock.advance(1000);
    await next[1];
  });

  it('ends the waiting at once when it is aborted, also of one who is not the first in line', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit(1, clock);
    await limit.take(never);
    const aborts = [new AbortController(), new AbortController(), new AbortController()];
    const waiting = aborts.map((abort) => limit.take(abort.signal));
    aborts[1]?.abort(new Error('stop'));
    await expect(waiting[1]).rejects.toThrow('stop');
    aborts[0]?.abort(new Error('stop'));
    await expect(waiting[0]).rejects.toThrow('stop');
    clock.advance(1000);
    await waiting[2];
  });

  it('leaves no timer behind when nobody waits any longer', async () => {
    let sleeping = 0;
    const clock: Clock = {
      now: () => 0,
      async sleep(_, signal) {
        sleeping++;
        await new Promise((done) => signal?.addEventListener('abort', done, { once: true }));
        sleeping--;
      },
    };
    const limit = new RateLimit(1, clock);
    await limit.take(never);
    const abort = new AbortController();
    const waiting = limit.take(abort.signal);
    await vi.waitFor(() => expect(sleeping).toBe(1), 60_000);
    abort.abort(new Error('stop'));
    await expect(waiting).rejects.toThrow('stop');
    await vi.waitFor(() => expect(sleeping).toBe(0), 60_000);
  });

  it('survives a clock that is set back: a pause is kept, and neither more nor less is let through', async () => {
    const clock = new SleepClock();
    const limit = new RateLimit(10, clock);
    (await limit.take(never)).refused(5000);
    clock.ms -= 3_600_000;
    const before = clock.ms;
    for (let i = 0; i < 10; i++) (await limit.take(never)).answered();
    expect(clock.ms - before).toBeGreaterThanOrEqual(5000);
    expect(clock.ms - before).toBeLessThan(12_000);
  });
});
