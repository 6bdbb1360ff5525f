import assert from 'node:assert/strict';
import {
  isInOrder,
  type KeyedRange,
  type KeyedState,
  type NextStep,
  type PageEnd,
  splitInTwo,
  stepRange,
} from './advance.ts';
import { averageOf, type Coverage, type Density, densityAfter, expectedBetween, secondAfter } from './density.ts';
import type { Range } from './range.ts';

/** A range as it is being fetched: ahead of what was emitted. */
export interface ReadingRange extends KeyedRange {
  /** A page of it is under way. */
  readonly isAsked: boolean;
  /** Absent before its first page, where it didn't come out of another one. */
  readonly density?: Density;
}

/** How far a stream is fetched. A value, like everything here. */
export interface Reading {
  readonly ranges: readonly ReadingRange[];
  /** By query: the objects with one value of a parameter may lie elsewhere than those with another. */
  readonly coverage: ReadonlyMap<string, Coverage>;
  /** False once a page was not newest first: then no second says what was read, and nothing may be split. */
  readonly isOrdered: boolean;
  readonly pagesAsked: number;
  readonly nextKey: number;
}

const NOTHING_COVERED: Coverage = { objects: 0, seconds: 0 };

/** A stream of which nothing was asked for in this run. */
export function startReading(state: KeyedState): Reading {
  return {
    ranges: state.remaining.map((range) => ({ ...range, isAsked: false })),
    coverage: new Map(),
    isOrdered: true,
    pagesAsked: 0,
    nextKey: 1 + Math.max(-1, ...state.remaining.map(({ key }) => key)),
  };
}

function rangeOf({ ranges }: Reading, key: number): ReadingRange {
  const range = ranges.find((candidate) => candidate.key === key);
  assert(range !== undefined, 'the range is being read');
  return range;
}

function replaceRange(reading: Reading, key: number, ...by: readonly ReadingRange[]): Reading {
  return { ...reading, ranges: reading.ranges.flatMap((range) => (range.key === key ? by : [range])) };
}

/** The next page of the range is asked for. */
export function askPage(reading: Reading, key: number): Reading {
  const asked = { ...rangeOf(reading, key), isAsked: true };
  return { ...replaceRange(reading, key, asked), pagesAsked: reading.pagesAsked + 1 };
}

/**
 * A page has come.
 *
 * @param asked the range as it was when the page was asked for
 * @param page undefined where Stripe no longer knew the object under the cursor
 */
export function landPage(reading: Reading, asked: KeyedRange, page: PageEnd | undefined, step: NextStep): Reading {
  const range = rangeOf(reading, asked.key);
  const inOrder = page === undefined || page.count === 0 || isInOrder(asked, page);
  const density = page !== undefined && isInOrder(asked, page) ? densityAfter(range.density, page) : range.density;
  const next = stepRange(range, step);
  const by = next === undefined ? [] : [{ ...next, isAsked: false, ...(density === undefined ? {} : { density }) }];
  return {
    ...replaceRange(reading, asked.key, ...by),
    coverage: inOrder && page !== undefined ? coverMore(reading.coverage, asked, page) : reading.coverage,
    isOrdered: reading.isOrdered && inOrder,
  };
}

function coverMore(coverage: Reading['coverage'], asked: Range, page: PageEnd): Reading['coverage'] {
  const known = coverage.get(asked.query) ?? NOTHING_COVERED;
  const top = asked.cursor?.seen ?? asked.lt;
  const bottom = page.hasMore ? (page.oldest ?? top) : asked.gte;
  const more = { objects: known.objects + page.count, seconds: known.seconds + Math.max(0, top - bottom) };
  return new Map(coverage).set(asked.query, more);
}

/** The reading in which a range is two. @param at first second of the newer part */
export function splitRange(reading: Reading, key: number, at: number): Reading {
  const [newer, older] = splitInTwo(rangeOf(reading, key), at, reading.nextKey);
  return { ...replaceRange(reading, key, newer, { ...older, isAsked: false }), nextKey: reading.nextKey + 1 };
}

/** The newest second of which something may not have been read. */
function topOf(range: Range): number {
  return range.cursor?.seen ?? range.lt;
}

/** Objects a second that are to be expected where nothing else is known. */
function averageOfQuery({ coverage }: Reading, { query }: Range): number {
  return averageOf(coverage.get(query) ?? NOTHING_COVERED);
}

/**
 * Objects that are probably left of the range once the page that is under way has come; 0 where nothing is known.
 *
 * @param pageSize objects a page
 */
export function objectsLeft(reading: Reading, range: ReadingRange, pageSize: number): number {
  if (range.density === undefined) return 0;
  const expected = expectedBetween(range.density, averageOfQuery(reading, range), topOf(range), range.gte);
  return Math.max(0, expected - (range.isAsked ? pageSize : 0));
}

/** Where to split the range so that half of what is left falls on each side; undefined where that can't be done. */
export function splitPoint(reading: Reading, range: ReadingRange, pageSize: number): number | undefined {
  const { density } = range;
  if (density === undefined) return undefined;
  const under = range.isAsked ? pageSize : 0;
  const count = under + objectsLeft(reading, range, pageSize) / 2;
  const at = Math.max(
    range.gte + 1,
    secondAfter(density, averageOfQuery(reading, range), topOf(range), range.gte, count),
  );
  // The second at the boundary stays with the cursor.
  return at > (range.cursor?.seen ?? range.lt - 1) ? undefined : at;
}
