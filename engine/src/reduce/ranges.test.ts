import { mergeRanges, rangesCover, type TimeRange } from '@penstock/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addRange, syncedThrough } from './ranges.ts';

const day = (value: number) => `2026-01-${String(value).padStart(2, '0')}T00:00:00Z`;
const days = (gte: number, lt: number): TimeRange => ({ gte: day(gte), lt: day(lt) });
const anyDays = fc
  .tuple(fc.integer({ min: 1, max: 28 }), fc.integer({ min: 1, max: 28 }))
  .map(([x, y]) => days(Math.min(x, y), Math.max(x, y)));

it('joins ranges that overlap or touch, and keeps the array when nothing is added', () => {
  const known = [days(1, 5), days(10, 20)];
  expect(addRange(known, days(5, 10))).toEqual([days(1, 20)]);
  expect(addRange(known, days(12, 15))).toBe(known);
  expect(addRange(known, days(7, 7))).toBe(known);
});

it('adding ranges one by one in any order gives what merging all of them gives', () => {
  fc.assert(
    fc.property(fc.array(anyDays), (ranges) => {
      expect(ranges.reduce<TimeRange[]>(addRange, [])).toEqual(mergeRanges(ranges));
    }),
  );
});

it.each([
  ['nothing is known of a stream without a range', { status: 'started' }, undefined],
  ['nothing is complete', { status: 'started', total_range: days(1, 28) }, undefined],
  [
    'only the newest part is complete',
    { status: 'started', total_range: days(1, 28), completed_ranges: [days(20, 28)] },
    undefined,
  ],
  [
    'up to the first gap',
    { status: 'errored', total_range: days(1, 28), completed_ranges: [days(1, 9), days(20, 28)] },
    day(9),
  ],
  [
    'beyond the range, when what came after it is complete too',
    { status: 'started', total_range: days(3, 8), completed_ranges: [days(1, 12)] },
    day(12),
  ],
  [
    'not beyond a gap at the end of the range',
    { status: 'started', total_range: days(3, 8), completed_ranges: [days(3, 8), days(9, 12)] },
    day(8),
  ],
  [
    'nothing, when only what was before the range is complete',
    { status: 'started', total_range: days(3, 8), completed_ranges: [days(1, 3)] },
    undefined,
  ],
  [
    'a completed stream, to its end',
    { status: 'completed', total_range: days(1, 28), completed_ranges: [days(20, 28)] },
    day(28),
  ],
  [
    'a completed stream, through what came right after its end',
    { status: 'completed', total_range: days(1, 8), completed_ranges: [days(5, 12), days(13, 20)] },
    day(12),
  ],
  [
    'a completed stream, not through what came later',
    { status: 'completed', total_range: days(1, 8), completed_ranges: [days(9, 12)] },
    day(8),
  ],
  [
    'a completed stream that named no range, to the end of the last one',
    { status: 'completed', completed_ranges: [days(1, 9)] },
    day(9),
  ],
  ['a completed stream that named nothing', { status: 'completed' }, undefined],
] as const)('synced_through: %s', (_case, { completed_ranges, ...progress }: Record<string, unknown>, through) => {
  expect(syncedThrough({ ...progress, completed_ranges } as Parameters<typeof syncedThrough>[0])).toBe(through);
});

it('everything from the start of the range to synced_through is complete', () => {
  fc.assert(
    fc.property(anyDays, fc.array(anyDays), (total_range, ranges) => {
      const completed_ranges = mergeRanges(ranges);
      const through = syncedThrough({ status: 'started', total_range, completed_ranges });
      if (through !== undefined) {
        expect(rangesCover(completed_ranges, { gte: total_range.gte, lt: through })).toBe(true);
      }
    }),
  );
});

it('a source that stays has one completed range, whose end moves, however long it does', () => {
  const hours = 24 * 365;
  const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
  const total_range = { gte: at(0), lt: at(1) };
  let completed_ranges: TimeRange[] = [];
  for (let hour = 0; hour < hours; hour++) {
    completed_ranges = addRange(completed_ranges, { gte: at(hour), lt: at(hour + 1) });
    expect(completed_ranges).toHaveLength(1);
  }
  expect(syncedThrough({ status: 'started', total_range, completed_ranges })).toBe('2027-01-01T00:00:00Z');
});
