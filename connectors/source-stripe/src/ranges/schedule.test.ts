import { seededRandom } from '@penstock/connector-sdk/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slotsFor } from '../backfill/slots.ts';
import { type SimulatedList, simulateSchedule } from '../testing/simulate-schedule.ts';
import { keyState } from './advance.ts';
import { unreadState } from './range.ts';
import { askPage, landPage, type Reading, startReading } from './reading.ts';
import { type Candidate, chooseNext } from './schedule.ts';

const SPAN_S = 3 * 365 * 86_400;
const FROM = 1_600_000_000;
const HOUR = 3600 / SPAN_S;

/** The share of the time before which a share of the objects lies. */
const shapes: Readonly<Record<string, (share: number) => number>> = {
  uniform: (share) => share,
  '90 % in the last 10 %': (share) => (share < 0.1 ? share * 9 : 0.9 + ((share - 0.1) / 0.9) * 0.1),
  '30 % in one hour': (share) => {
    if (share < 0.49) return (share / 0.49) * 0.7;
    if (share < 0.79) return 0.7 + ((share - 0.49) / 0.3) * HOUR;
    return 0.7 + HOUR + ((share - 0.79) / 0.21) * (0.3 - HOUR);
  },
  'all in one second': () => 0.5,
};

function listOf(count: number, shape: (share: number) => number, random: () => number, more = {}): SimulatedList {
  const second = (share: number): number => FROM + Math.min(SPAN_S - 1, Math.floor(shape(share) * SPAN_S));
  const created = Array.from({ length: count }, () => second(random())).sort((a, b) => a - b);
  return { created, window: { gte: FROM - 86_400, lt: FROM + SPAN_S + 3600 }, pageSize: 100, canSplit: true, ...more };
}

describe('the schedule, in simulated time with 50 ms latency', () => {
  const cases = Object.keys(shapes).flatMap((shape) =>
    [20, 100].flatMap((rate) => [20_000, 200_000].map((count) => [shape, count, rate] as const)),
  );

  it.each(cases)(
    'reads %s, %d objects, at %d requests a second with hardly a request or a moment wasted',
    (shape, count, rate) => {
      const random = seededRandom(count + rate);
      const list = listOf(count, shapes[shape] as (share: number) => number, random);
      const slots = slotsFor(rate, 52);
      const run = simulateSchedule([list], { requestsPerSecond: rate, latencyMs: () => 50 + 5 * random(), slots });
      const minimum = Math.ceil(count / 100);
      const isEven = shape === 'uniform';
      const most = isEven ? (count === 200_000 ? 1.03 : 1.06) : 1.1;
      const chainMs = shape === 'all in one second' ? minimum * 52.5 : 2 * 52.5;
      const idealMs = Math.max((minimum / rate) * 1000, chainMs);
      expect(run.read[0]?.size).toBe(count);
      expect(run.requests).toBeLessThanOrEqual(most * minimum + 1);
      expect(run.wallMs).toBeLessThanOrEqual(1.1 * idealMs);
      expect(run.rangesMax).toBeLessThanOrEqual(slots + 1);
    },
  );

  it('reads 80 streams of mixed sizes as fast as the rate allows, those that can only be read in sequence among them', () => {
    const random = seededRandom(80);
    const lists = Array.from({ length: 80 }, (_, i) => {
      const count = Math.floor(40_000 / (i + 1) ** 1.2);
      const sequential = i % 3 === 1;
      return listOf(count, shapes.uniform as (share: number) => number, random, {
        canSplit: !sequential,
        pageSize: i % 9 === 4 ? 20 : 100,
      });
    });
    const rate = 100;
    const run = simulateSchedule(lists, { requestsPerSecond: rate, latencyMs: () => 52, slots: slotsFor(rate, 52) });
    const pages = lists.map(({ created, pageSize }) => Math.max(1, Math.ceil(created.length / pageSize)));
    const minimum = pages.reduce((sum, count) => sum + count, 0);
    const chains = lists.map(({ canSplit }, i) => (canSplit ? 0 : (pages[i] as number) * 52));
    const idealMs = Math.max((minimum / rate) * 1000, ...chains);
    for (const [i, { created }] of lists.entries()) expect(run.read[i]?.size).toBe(created.length);
    expect(run.requests).toBeLessThanOrEqual(1.03 * minimum + lists.length);
    expect(run.wallMs).toBeLessThanOrEqual(1.1 * idealMs);
  });

  it('reads everything of any account, at any latency and rate, in no more ranges than there are slots', () => {
    const list = fc.record({
      seconds: fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }),
      clumps: fc.array(fc.record({ at: fc.integer({ min: 0, max: 400 }), count: fc.integer({ min: 1, max: 200 }) }), {
        maxLength: 4,
      }),
      canSplit: fc.boolean(),
      pageSize: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(
        fc.array(list, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 1_000_000 }),
        (lists, rate, slots, seed) => {
          const random = seededRandom(seed);
          const simulated = lists.map(({ seconds, clumps, canSplit, pageSize }): SimulatedList => {
            const all = [...seconds, ...clumps.flatMap(({ at, count }) => Array<number>(count).fill(at))];
            return { created: all.sort((a, b) => a - b), window: { gte: 0, lt: 401 }, pageSize, canSplit };
          });
          const latencyMs = (): number => 1 + 200 * random();
          const run = simulateSchedule(simulated, { requestsPerSecond: rate, latencyMs, slots });
          for (const [i, { created }] of simulated.entries()) expect(run.read[i]?.size).toBe(created.length);
          expect(run.rangesMax).toBeLessThanOrEqual(slots);
        },
      ),
      { numRuns: 200, interruptAfterTimeLimit: 20_000 },
    );
  });
});

describe('chooseNext', () => {
  const free = { inFlight: 0, max: 4 };
  const unread = (): Reading => startReading(keyState(unreadState({ gte: 0, lt: 1000 }, [''])));
  const candidate = (reading: Reading, more: Partial<Candidate> = {}): Candidate => ({
    reading,
    pageSize: 100,
    canSplit: true,
    isHeld: false,
    isQueued: false,
    ...more,
  });
  /** A stream of which so many pages have come, each of ten seconds. */
  const read = (pages: number): Reading => {
    let reading = unread();
    for (let i = 0; i < pages; i++) {
      reading = askPage(reading, 0);
      const [range] = reading.ranges;
      const [newest, oldest] = [999 - 10 * i, 990 - 10 * i];
      const page = { count: 100, hasMore: true, next: String(i), newest, oldest };
      reading = landPage(reading, range!, page, { lt: 1000, cursor: { after: String(i), seen: oldest } });
    }
    return reading;
  };
  const underWay = (reading: Reading): Reading => askPage(reading, 0);

  it.each<[string, Candidate[], object, unknown]>([
    ['nothing while no slot is free', [candidate(unread())], { inFlight: 4, max: 4 }, undefined],
    [
      'a first page before any second',
      [candidate(read(1)), candidate(unread())],
      free,
      { kind: 'ask', stream: 1, key: 0 },
    ],
    ['the stream that got least', [candidate(read(5)), candidate(read(2))], free, { kind: 'ask', stream: 1, key: 0 }],
    [
      'of two alike the one that can not be split',
      [candidate(read(3)), candidate(read(3), { canSplit: false })],
      free,
      { kind: 'ask', stream: 1, key: 0 },
    ],
    [
      'a page before a split',
      [candidate(underWay(read(5))), candidate(read(9))],
      free,
      { kind: 'ask', stream: 1, key: 0 },
    ],
    ['no stream that waits for others', [candidate(read(1), { isQueued: true })], free, undefined],
    [
      'the first page also of one that waits',
      [candidate(unread(), { isQueued: true })],
      free,
      { kind: 'ask', stream: 0, key: 0 },
    ],
    ['nothing of a stream that has enough', [candidate(read(1), { isHeld: true })], free, undefined],
    ['no split of what can not be split', [candidate(underWay(read(2)), { canSplit: false })], free, undefined],
    ['no split where hardly more than a page is left', [candidate(underWay(read(98)))], free, undefined],
  ])('gives %s', (_, candidates, slots, choice) => {
    expect(chooseNext(candidates, slots as typeof free)).toEqual(choice);
  });

  it('splits the range with most left where half of it is expected, below the page that is under way', () => {
    const choice = chooseNext([candidate(underWay(read(50))), candidate(underWay(read(4)))], free);
    expect(choice).toMatchObject({ kind: 'split', stream: 1, key: 0 });
    // 950 seconds are left, ten of them under way.
    const { at } = choice as { at: number };
    expect(at).toBeGreaterThan(440);
    expect(at).toBeLessThan(510);
  });

  it('never splits a stream again that once came in another order', () => {
    let reading = askPage(unread(), 0);
    const page = { count: 100, hasMore: true, next: 'a' };
    reading = landPage(reading, reading.ranges[0]!, page, { lt: 1000, cursor: { after: 'a' } });
    expect(reading.isOrdered).toBe(false);
    expect(chooseNext([candidate(askPage(reading, 0))], free)).toBeUndefined();
  });
});
