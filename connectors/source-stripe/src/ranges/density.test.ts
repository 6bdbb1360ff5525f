import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Density, densityAfter, expectedBetween, secondAfter } from './density.ts';

const page = (newest: number, oldest: number, count = 100) => ({ count, hasMore: true, newest, oldest });

describe('densityAfter', () => {
  it('follows a page of about the same density, and remembers since when', () => {
    const first = densityAfter(undefined, page(1000, 900));
    expect(first).toEqual({ at: 900, perSecond: 1, from: 1000 });
    expect(densityAfter(first, page(900, 850))).toEqual({ at: 850, perSecond: 1.5, from: 1000 });
  });

  it('begins anew where a burst begins, and where it ends', () => {
    const sparse = densityAfter(undefined, page(10_000, 9_000));
    const burst = densityAfter(sparse, page(9_000, 8_995));
    expect(burst).toEqual({ at: 8_995, perSecond: 20, from: 9_000 });
    expect(densityAfter(burst, page(8_995, 8_000)).from).toBe(8_995);
  });

  it('takes a page within one second for a hundred a second, not for endless', () => {
    expect(densityAfter(undefined, page(50, 50)).perSecond).toBe(100);
  });
});

describe('what is to be expected', () => {
  it('goes on evenly where it is no denser than on average', () => {
    const density: Density = { at: 1000, perSecond: 2, from: 1100 };
    expect(expectedBetween(density, 2, 1000, 0)).toBe(2000);
    expect(expectedBetween(density, 5, 500, 0)).toBe(1000);
    expect(secondAfter(density, 2, 1000, 0, 1000)).toBe(500);
  });

  it('looks for the end of a burst close by, however far the range goes on', () => {
    const density: Density = { at: 100_000_000, perSecond: 100, from: 100_000_010 };
    const half = expectedBetween(density, 0, 100_000_000, 0) / 2;
    const at = secondAfter(density, 0, 100_000_000, 0, half);
    expect(100_000_000 - at).toBeGreaterThan(10);
    expect(100_000_000 - at).toBeLessThan(1000);
  });

  it('is the same for a whole as for its parts, grows with the time, and is found again', () => {
    const second = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(
        fc.tuple(second, second, second).map((three) => three.sort((a, b) => a - b) as [number, number, number]),
        fc.double({ min: 0.0001, max: 1000, noNaN: true }),
        fc.double({ min: 0, max: 1000, noNaN: true }),
        fc.integer({ min: 0, max: 100_000 }),
        ([older, middle, newer], perSecond, average, length) => {
          const density = { at: newer, perSecond, from: newer + length };
          const whole = expectedBetween(density, average, newer, older);
          const parts =
            expectedBetween(density, average, newer, middle) + expectedBetween(density, average, middle, older);
          expect(whole).toBeGreaterThanOrEqual(0);
          expect(Math.abs(whole - parts)).toBeLessThanOrEqual(1e-6 * Math.max(1, whole));
          const found = secondAfter(density, average, newer, older, whole / 2);
          expect(found).toBeGreaterThanOrEqual(older);
          expect(found).toBeLessThanOrEqual(newer);
          expect(expectedBetween(density, average, newer, found)).toBeLessThanOrEqual(whole / 2 + 1e-6);
        },
      ),
    );
  });
});
