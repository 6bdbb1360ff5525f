import { describe, expect, it } from 'vitest';
import { retryAfterMs } from './response-headers.ts';

describe('retryAfterMs', () => {
  const now = Date.UTC(2026, 0, 1);
  it.each([
    ['2', 2000],
    ['0', 0],
    ['0.5', 500],
    ['-3', 0],
    ['99999', 60_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
    ['Thu, 01 Jan 2026 23:00:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('takes %s as %s ms', (header, ms) => {
    expect(retryAfterMs(header, now)).toBe(ms);
  });
});
