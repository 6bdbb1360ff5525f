import type { TimeRange } from '@penstock/protocol';
import { mergeRanges } from '@penstock/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { rangeBar } from './range-bar.ts';

const hour = (value: number) => new Date(Date.UTC(2026, 0, 1) + value * 3_600_000).toISOString();
const hours = (gte: number, lt: number): TimeRange => ({ gte: hour(gte), lt: hour(lt) });
const total = hours(0, 80);

it.each([
  ['nothing', [], '          '],
  ['everything', [hours(0, 80)], '██████████'],
  ['the older half', [hours(0, 40)], '█████     '],
  ['the newer half', [hours(40, 80)], '     █████'],
  ['a part of a cell from its left', [hours(0, 11)], '█▍        '],
  ['a part of a cell from its right', [hours(75, 80)], '         ▐'],
  ['the least part of a cell', [hours(0, 0.1)], '▏         '],
  ['almost all of a cell is not all of it', [hours(0, 7.9)], '▉         '],
  ['two parts with a gap', [hours(0, 16), hours(64, 80)], '██      ██'],
  ['what lies outside of the range', [hours(-50, -10), hours(90, 99)], '          '],
])('%s', (_case, completed, bar) => {
  expect(rangeBar(total, completed, 10)).toBe(bar);
});

it('is full when the range has no length', () => {
  expect(rangeBar(hours(1, 1), [], 4)).toBe('████');
});

it('has the width it was given, and is full exactly when all is complete', () => {
  const anyRange = fc
    .tuple(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 0, max: 80 }))
    .map(([x, y]) => hours(Math.min(x, y), Math.max(x, y)));
  fc.assert(
    fc.property(fc.array(anyRange), fc.integer({ min: 1, max: 100 }), (ranges, width) => {
      const completed = mergeRanges(ranges);
      const bar = rangeBar(total, completed, width);
      expect([...bar]).toHaveLength(width);
      const all =
        completed.length === 1 &&
        completed[0]!.gte === total.gte.replace('.000', '') &&
        completed[0]!.lt === total.lt.replace('.000', '');
      expect(/^█+$/.test(bar)).toBe(all);
    }),
  );
});
