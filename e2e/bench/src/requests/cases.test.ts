import type { Stream } from '@penstock/protocol';
import { describe, expect, test } from 'vitest';
import { type Case, type CaseStream, idealSeconds, minimumRequests } from './cases.ts';
import { splitRest } from './known-rule.ts';
import { listsOf } from './lists.ts';

const list = (objects: number, more: Partial<CaseStream> = {}): CaseStream => ({
  stream: { name: 'x' } as Stream,
  path: '/v1/x',
  objects,
  pageLimit: 100,
  canSplit: true,
  ...more,
});
const of = (more: Partial<Case>): Case => ({
  rule: 'ours',
  distribution: 'uniform',
  objects: 0,
  rate: 100,
  ...more,
});

describe('the minimum of requests', () => {
  test.each([
    [[0], 1],
    [[100], 1],
    [[101], 2],
    [[0, 250, 20_000], 204],
  ])('of lists with %j objects is %i', (sizes, minimum) => {
    expect(minimumRequests(sizes.map((size) => list(size)))).toBe(minimum);
  });
});

describe('the ideal time', () => {
  test.each([
    ['is what the rate allows', of({}), [list(20_000)], 2],
    ['is two round trips where the rate allows all at once', of({}), [list(200)], 0.1],
    ['is a round trip a page within one second', of({ distribution: 'one-second' }), [list(20_000)], 10],
    ['is a round trip a page of a list that can not be split', of({}), [list(0), list(10_000, { canSplit: false })], 5],
    ['grows with requests for lists inside objects', of({ rate: 20 }), [list(20_000)], 10],
  ])('%s', (_, which, lists, seconds) => {
    expect(idealSeconds(which, lists, 50)).toBeCloseTo(seconds);
    expect(idealSeconds(which, lists, 50, 100_000)).toBeGreaterThan(1000);
  });
});

describe("the known system's rule", () => {
  test('splits what is left into halves, the newer one with the cursor and the second at the boundary', () => {
    expect(splitRest({ gte: 1000, lt: 9000 }, 5000, 'ch_1')).toEqual([
      { gte: 3000, lt: 5001, cursor: 'ch_1' },
      { gte: 1000, lt: 3000 },
    ]);
  });

  test('goes on with the cursor alone where a half would be shorter than half a minute', () => {
    expect(splitRest({ gte: 1000, lt: 9000 }, 1059, 'ch_1')).toEqual([{ gte: 1000, lt: 1060, cursor: 'ch_1' }]);
    expect(splitRest({ gte: 1000, lt: 9000 }, 1060, 'ch_1')).toHaveLength(2);
  });
});

describe('the lists of many streams', () => {
  const discovered = Array.from({ length: 90 }, (_, i) => {
    const path = ['/v1/charges', '/v1/events', '/v2/core/events', '/v1/climate/orders'][i] ?? `/v1/list_${i}`;
    return { name: `s${i}`, metadata: { path }, supports_time_range: path.startsWith('/v1/c') } as unknown as Stream;
  });
  const lists = listsOf(of({ distribution: '80-streams', objects: 20_000 }), discovered);
  const sizeOf = (path: string) => lists.find((each) => each.path === path)?.objects;

  test('are 80 and hold all objects together, in sizes that differ', () => {
    expect(lists).toHaveLength(80);
    expect(lists.reduce((sum, { objects }) => sum + objects, 0)).toBe(20_000);
    expect(sizeOf('/v1/charges')).toBeGreaterThan(10_000);
    expect(sizeOf('/v1/climate/orders')).toBe(0);
  });

  test('leave out those whose requests can not be told apart, and know the smaller pages of v2', () => {
    expect(sizeOf('/v1/events')).toBeUndefined();
    expect(lists.find(({ path }) => path === '/v2/core/events')).toMatchObject({ pageLimit: 20, canSplit: false });
  });

  test('can not be chosen from a source that lacks some of them', () => {
    expect(() => listsOf(of({ distribution: '80-streams' }), discovered.slice(0, 50))).toThrow('has 49 streams');
    expect(() => listsOf(of({}), [])).toThrow('no stream for /v1/charges');
  });
});
