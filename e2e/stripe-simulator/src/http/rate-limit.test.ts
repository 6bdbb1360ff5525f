import { describe, expect, it } from 'vitest';
import { TokenBucket } from './rate-limit.ts';

describe('TokenBucket', () => {
  it('lets through a burst of one second, then the given number a second', () => {
    const bucket = new TokenBucket(10, 0);
    let passed = 0;
    for (let ms = 0; ms < 3000; ms += 5) if (bucket.take(ms) === 0) passed++;
    expect(passed).toBeGreaterThanOrEqual(38);
    expect(passed).toBeLessThanOrEqual(40);
  });

  it('says after how many seconds a try makes sense', () => {
    const bucket = new TokenBucket(0.25, 0);
    expect(bucket.take(10_000)).toBe(0);
    expect(bucket.take(10_000)).toBe(4);
    expect(bucket.take(14_000)).toBe(0);
  });

  it('never refuses without a limit', () => {
    const bucket = new TokenBucket(Number.POSITIVE_INFINITY, 0);
    for (let i = 0; i < 1000; i++) expect(bucket.take(0)).toBe(0);
  });
});
