import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatTimestamp,
  intersectRanges,
  isEmptyRange,
  mergeRanges,
  openTimeRangeSchema,
  parseTimestamp,
  rangesCover,
  subtractRanges,
  type TimeRange,
  timeRangeSchema,
  timestampSchema,
} from './time-range.ts';

/** The model: a range is the set of its seconds, counted from some day. */
const SECONDS = 40;
const START_MS = Date.UTC(2026, 1, 27, 23, 59, 45);

function at(second: number, spelling = 0): string {
  const text = formatTimestamp(START_MS + second * 1000);
  return (
    [text, text.replace('Z', '.000Z'), text.replace('Z', '+00:00'), text.replace('Z', '.0Z')][spelling % 4] ?? text
  );
}

function secondsOf(ranges: readonly TimeRange[]): number[] {
  const found = new Set<number>();
  for (const range of ranges) {
    for (let s = 0; s < SECONDS; s++) {
      const ms = START_MS + s * 1000;
      if (Date.parse(range.gte) <= ms && ms < Date.parse(range.lt)) found.add(s);
    }
  }
  return [...found].sort((a, b) => a - b);
}

const bound = fc.tuple(fc.nat({ max: SECONDS }), fc.nat({ max: 3 }));
const range = fc
  .tuple(bound, bound)
  .map(([a, b]) => (a[0] <= b[0] ? [a, b] : [b, a]) as [[number, number], [number, number]])
  .map(([a, b]): TimeRange => ({ gte: at(...a), lt: at(...b) }));
const ranges = fc.array(range, { maxLength: 8 });

describe('range arithmetic, against sets of seconds', () => {
  test('mergeRanges keeps the seconds, in order, with a gap between any two', () => {
    fc.assert(
      fc.property(ranges, (all) => {
        const merged = mergeRanges(all);
        expect(secondsOf(merged)).toEqual(secondsOf(all));
        for (const [i, piece] of merged.entries()) {
          expect(isEmptyRange(piece)).toBe(false);
          const next = merged[i + 1];
          if (next !== undefined) expect(Date.parse(piece.lt)).toBeLessThan(Date.parse(next.gte));
        }
        expect(mergeRanges(merged)).toEqual(merged);
        expect(mergeRanges([...all].reverse())).toEqual(merged);
      }),
    );
  });

  test('subtractRanges leaves the seconds that nothing covers', () => {
    fc.assert(
      fc.property(range, ranges, (whole, taken) => {
        const rest = subtractRanges(whole, taken);
        const covered = new Set(secondsOf(taken));
        expect(secondsOf(rest)).toEqual(secondsOf([whole]).filter((s) => !covered.has(s)));
        expect(mergeRanges(rest)).toEqual(rest);
      }),
    );
  });

  test('intersectRanges keeps the seconds that both have, also with open bounds', () => {
    const open = fc.record({ gte: bound.map((b) => at(...b)), lt: bound.map((b) => at(...b)) }, { requiredKeys: [] });
    fc.assert(
      fc.property(range, open, (a, b) => {
        const both = intersectRanges(a, b);
        const closed = { gte: b.gte ?? at(0), lt: b.lt ?? at(SECONDS) };
        const inB = new Set(secondsOf([closed]));
        expect(both === undefined ? [] : secondsOf([both])).toEqual(secondsOf([a]).filter((s) => inB.has(s)));
        if (both !== undefined) expect(isEmptyRange(both)).toBe(false);
      }),
    );
  });

  test('rangesCover is true exactly when no second is missing', () => {
    fc.assert(
      fc.property(ranges, range, (all, whole) => {
        const covered = new Set(secondsOf(all));
        expect(rangesCover(all, whole)).toBe(secondsOf([whole]).every((s) => covered.has(s)));
      }),
    );
  });

  test('nothing that was given is changed', () => {
    fc.assert(
      fc.property(ranges, range, (all, whole) => {
        const before = JSON.stringify([all, whole]);
        mergeRanges(all);
        subtractRanges(whole, all);
        intersectRanges(whole, all[0] ?? {});
        expect(JSON.stringify([all, whole])).toBe(before);
      }),
    );
  });
});

describe('instants', () => {
  test('are read back from their text to the millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (ms) => {
        const text = formatTimestamp(ms);
        expect(parseTimestamp(text)).toBe(ms);
        expect(timestampSchema.safeParse(text).success).toBe(true);
      }),
    );
  });

  test('have no fraction when they are whole seconds', () => {
    expect(formatTimestamp(0)).toBe('1970-01-01T00:00:00Z');
    expect(formatTimestamp(1)).toBe('1970-01-01T00:00:00.001Z');
  });

  test('that are none are refused', () => {
    expect(() => parseTimestamp('yesterday')).toThrow('not an ISO 8601 instant: yesterday');
    expect(() => formatTimestamp(Number.NaN)).toThrow(RangeError);
  });

  test('are accepted in UTC only, with seconds, at any precision', () => {
    const good = [
      '2026-01-31T12:00:00Z',
      '2026-01-31T12:00:00.123456789Z',
      '2026-01-31T12:00:00+00:00',
      '2024-02-29T00:00:00Z',
    ];
    const bad = [
      '2026-01-31T12:00:00',
      '2026-01-31T12:00:00+02:00',
      '2026-01-31T12:00Z',
      '2025-02-29T00:00:00Z',
      '2026-01-31',
    ];
    expect(good.filter((text) => !timestampSchema.safeParse(text).success)).toEqual([]);
    expect(bad.filter((text) => timestampSchema.safeParse(text).success)).toEqual([]);
  });
});

test('a range may be empty or open, and not run backwards', () => {
  const early = at(1);
  const late = at(2);
  expect(timeRangeSchema.safeParse({ gte: early, lt: late }).success).toBe(true);
  expect(timeRangeSchema.safeParse({ gte: early, lt: at(1, 1) }).success).toBe(true);
  expect(timeRangeSchema.safeParse({ gte: late, lt: early }).success).toBe(false);
  expect(timeRangeSchema.safeParse({ gte: early }).success).toBe(false);
  expect(openTimeRangeSchema.safeParse({}).success).toBe(true);
  expect(openTimeRangeSchema.safeParse({ lt: early }).success).toBe(true);
  expect(openTimeRangeSchema.safeParse({ gte: late, lt: early }).success).toBe(false);
});
