import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultRetryPolicy, retryDelayMs, withRetries } from './retry-delay.ts';
import { FakeClock } from './testing/index.ts';

describe('retry delays', () => {
  test('a delay is never negative, never over the policy, and grows at most by doubling', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (retry, at) => {
          const delay = retryDelayMs(retry, defaultRetryPolicy, () => at);
          expect(delay).toBeGreaterThanOrEqual(0);
          expect(delay).toBeLessThanOrEqual(
            Math.min(defaultRetryPolicy.delayMaxMs, defaultRetryPolicy.baseMs * 2 ** (retry - 1)),
          );
        },
      ),
    );
  });

  test('the last error comes out after the retries are used up', async () => {
    const clock = new FakeClock({ autoAdvance: true });
    let tries = 0;
    const work = withRetries(
      async () => {
        tries += 1;
        throw new Error(`try ${tries}`);
      },
      { advise: () => ({}), clock, random: () => 0.5 },
    );
    await expect(work).rejects.toThrow('try 9');
    expect(clock.slept).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
  });

  test('no retry starts after the time is over, also when the other side asks to wait longer', async () => {
    const clock = new FakeClock({ autoAdvance: true });
    const work = withRetries(() => Promise.reject(new Error('busy')), {
      advise: () => ({ notBeforeMs: 140_000 }),
      clock,
    });
    await expect(work).rejects.toThrow('busy');
    expect(clock.slept).toEqual([140_000, 140_000]);
  });

  test('an error that is not worth a retry comes out at once', async () => {
    const clock = new FakeClock();
    await expect(
      withRetries(() => Promise.reject(new Error('no')), { advise: () => undefined, clock }),
    ).rejects.toThrow('no');
    expect(clock.slept).toEqual([]);
  });

  test('an abort ends the waiting at once with its reason', async () => {
    const abort = new AbortController();
    const clock = new FakeClock();
    const onRetry = (): void => queueMicrotask(() => abort.abort(new Error('stopped')));
    const options = { advise: () => ({ notBeforeMs: 5000 }), clock, signal: abort.signal, onRetry };
    await expect(withRetries(() => Promise.reject(new Error('no')), options)).rejects.toThrow('stopped');
    expect(clock.slept).toEqual([5000]);
  });

  test('what succeeds on the second try is returned', async () => {
    const clock = new FakeClock({ autoAdvance: true });
    const work = async (tryNumber: number) => {
      if (tryNumber === 0) throw new Error('first');
      return 'done';
    };
    expect(await withRetries(work, { advise: () => ({}), clock })).toBe('done');
  });
});
