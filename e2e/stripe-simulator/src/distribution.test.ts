import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distributionNames, firstRankFrom, timeline } from './distribution.ts';

const from = 1_600_000_000;
const year = 365 * 86_400;
const names = fc.constantFrom(...distributionNames);

function times(name: (typeof distributionNames)[number], count: number, span = year): number[] {
  const line = timeline(name, count, from, from + span, 7);
  return Array.from({ length: count }, (_, rank) => line.createdAt(rank));
}

describe('timeline', () => {
  it('never falls as the rank rises, and stays inside its span', () => {
    fc.assert(
      fc.property(
        names,
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: year }),
        fc.integer(),
        (name, count, span, seed) => {
          const line = timeline(name, count, from, from + span, seed);
          let last = from;
          for (let rank = 0; rank < count; rank++) {
            const at = line.createdAt(rank);
            expect(at).toBeGreaterThanOrEqual(last);
            expect(at).toBeLessThan(from + span);
            expect(Number.isInteger(at)).toBe(true);
            last = at;
          }
        },
      ),
    );
  });

  it.each(distributionNames)('has ties in %s, some of them across a page boundary of the newest-first list', (name) => {
    const all = times(name, 5000).reverse();
    expect(all.some((at, i) => i % 100 === 0 && i > 0 && at === all[i - 1])).toBe(true);
  });

  it('puts 90 % of recent-heavy into the last tenth of the time', () => {
    const late = times('recent-heavy', 10_000).filter((at) => at >= from + 0.9 * year).length;
    expect(Math.abs(late - 9000)).toBeLessThan(20);
  });

  it('puts 30 % of a burst into one hour', () => {
    const perHour = new Map<number, number>();
    for (const at of times('burst', 10_000))
      perHour.set(Math.floor(at / 1800), (perHour.get(Math.floor(at / 1800)) ?? 0) + 1);
    const busiest = [...perHour.values()].sort((a, b) => b - a).slice(0, 3);
    expect(Math.abs(busiest.reduce((a, b) => a + b) - 3000)).toBeLessThan(30);
  });

  it('puts all of one-second into one second', () => {
    expect(new Set(times('one-second', 1000)).size).toBe(1);
  });

  it('spreads uniform evenly', () => {
    const early = times('uniform', 10_000).filter((at) => at < from + year / 4).length;
    expect(Math.abs(early - 2500)).toBeLessThan(20);
  });
});

describe('firstRankFrom', () => {
  it('finds the same rank as looking at each', () => {
    fc.assert(
      fc.property(
        names,
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: -10, max: 1010 }),
        (name, count, offset) => {
          const line = timeline(name, count, from, from + 1000, 3);
          const all = Array.from({ length: count }, (_, rank) => line.createdAt(rank));
          const expected = all.findIndex((at) => at >= from + offset);
          expect(firstRankFrom(line.createdAt, count, from + offset)).toBe(expected < 0 ? count : expected);
        },
      ),
    );
  });
});
