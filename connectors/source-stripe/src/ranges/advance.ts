import assert from 'node:assert/strict';
import type { Cursor, Range, StreamState, Window } from './range.ts';

/** What a page says about how to go on. */
export interface PageEnd {
  /** Objects in the page. */
  readonly count: number;
  readonly hasMore: boolean;
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
  /** When the first and the last object were created, in seconds since 1970; absent where the page was not newest first. */
  readonly newest?: number;
  readonly oldest?: number;
}

/** A page whose objects came newest first. */
export type OrderedPage = PageEnd & { readonly newest: number; readonly oldest: number };

/** A range within one run. Splitting makes new ones, so a page names the range that it is of by its key. */
export interface KeyedRange extends Range {
  readonly key: number;
}

/** The state of a stream within one run. */
export interface KeyedState extends StreamState {
  readonly remaining: readonly KeyedRange[];
}

/**
 * Where a range goes on after a page; undefined when it was the last one. Its lower bound is not a part of this: it may have
 * been split off while the page was under way.
 */
export type NextStep = { readonly lt: number; readonly cursor?: Cursor } | undefined;

/** Numbers the ranges of a state, for one run. */
export function keyState(state: StreamState): KeyedState {
  return { ...state, remaining: state.remaining.map((range, key) => ({ ...range, key })) };
}

/** Whether all that was read of the range, this page included, came newest first: only then `oldest` says what was read. */
export function isInOrder({ cursor }: Range, page: PageEnd): page is OrderedPage {
  if (page.newest === undefined || page.oldest === undefined) return false;
  return cursor === undefined || (cursor.seen !== undefined && page.newest <= cursor.seen);
}

/** How to go on after a page that was asked for with this range. */
export function stepAfterPage(asked: Range, page: PageEnd): NextStep {
  if (!page.hasMore || page.next === undefined) return undefined;
  return {
    lt: asked.lt,
    cursor: { after: page.next, ...(isInOrder(asked, page) ? { seen: page.oldest } : {}) },
  };
}

/**
 * How to go on when Stripe no longer knows the object under the cursor, because it was deleted: with everything up to and
 * including the second in which that object was created, since others of that second may not have been read. Where that
 * second is not known, the range starts over.
 */
export function stepAfterLostCursor({ lt, cursor }: Range): NextStep {
  return { lt: cursor?.seen === undefined ? lt : Math.min(lt, cursor.seen + 1) };
}

/** What is left of the range after the step; undefined when that is nothing. */
export function stepRange<R extends Range>(range: R, step: NextStep): R | undefined {
  if (step === undefined) return undefined;
  const { cursor: _, ...rest } = range;
  const stepped = { ...rest, ...step } as R;
  // Its older part may be another range by now, and the page have reached into that.
  const top = step.cursor?.seen ?? step.lt - 1;
  return top < range.gte ? undefined : stepped;
}

/**
 * The state after a page of the range with this key was emitted.
 *
 * @param recordCount records that were emitted since the state before
 */
export function advanceState(state: KeyedState, key: number, step: NextStep, recordCount: number): KeyedState {
  const at = state.remaining.findIndex((range) => range.key === key);
  const range = state.remaining[at];
  assert(range !== undefined, 'a page came for a range that is not waited for');
  const next = stepRange(range, step);
  return {
    ...state,
    remaining: state.remaining.toSpliced(at, 1, ...(next === undefined ? [] : [next])),
    backfilled: state.backfilled + (range.isNews ? 0 : recordCount),
  };
}

/** The range in two: the newer part keeps the key and the cursor, and with it the second at the boundary. */
export function splitInTwo<R extends KeyedRange>(range: R, at: number, olderKey: number): [newer: R, older: R] {
  assert(range.gte < at && at < range.lt, 'a range is split within its bounds');
  const { cursor: _, ...rest } = range;
  return [{ ...range, gte: at }, { ...rest, lt: at, key: olderKey } as R];
}

/** The state in which a range is two. Nothing of the older part can have been emitted: the cursor is in the newer one. */
export function splitState(state: KeyedState, key: number, at: number, olderKey: number): KeyedState {
  const remaining = state.remaining.flatMap((range) => (range.key === key ? splitInTwo(range, at, olderKey) : [range]));
  return { ...state, remaining };
}

/** The time that is complete after the range has become `next` and was not before, for the progress display. */
export function newlyComplete(range: Range, next: Range | undefined): Window | undefined {
  const lt = range.cursor?.seen === undefined ? range.lt : Math.min(range.lt, range.cursor.seen + 1);
  const gte = next === undefined ? range.gte : (next.cursor?.seen ?? next.lt - 1) + 1;
  return gte < lt ? { gte, lt } : undefined;
}
