import assert from 'node:assert/strict';
import type { Range, StreamState, Window } from './range.ts';

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

/** Whether all that was read of the range, this page included, came newest first: only then `oldest` says what was read. */
function isInOrder({ cursor }: Range, page: PageEnd): page is PageEnd & { readonly oldest: number } {
  if (page.newest === undefined || page.oldest === undefined) return false;
  return cursor === undefined || (cursor.seen !== undefined && page.newest <= cursor.seen);
}

/** What is left of the range after the page; undefined when that was all. */
export function rangeAfterPage(range: Range, page: PageEnd): Range | undefined {
  if (!page.hasMore || page.next === undefined) return undefined;
  return { ...range, cursor: { after: page.next, ...(isInOrder(range, page) ? { seen: page.oldest } : {}) } };
}

/**
 * What is left of the range when Stripe no longer knows the object under its cursor, because it was deleted: everything up
 * to and including the second in which that object was created, since others of that second may not have been read. Where
 * that second is not known, the range starts over.
 */
export function rangeAfterLostCursor(range: Range): Range {
  const { cursor, ...rest } = range;
  if (cursor?.seen === undefined) return rest;
  return { ...rest, lt: Math.min(range.lt, cursor.seen + 1) };
}

/**
 * The state in which `range` has become `next`. Ranges are told apart by identity: `range` must be the very one in the
 * state, so a page can't be applied twice or to a state that doesn't wait for it.
 *
 * @param recordCount records that were emitted between the two
 */
export function advanceState(
  state: StreamState,
  range: Range,
  next: Range | undefined,
  recordCount: number,
): StreamState {
  const at = state.remaining.indexOf(range);
  assert(at !== -1, 'a page came for a range that is not waited for');
  return {
    ...state,
    remaining: state.remaining.toSpliced(at, 1, ...(next === undefined ? [] : [next])),
    backfilled: state.backfilled + (range.isNews ? 0 : recordCount),
  };
}

/** The time that is complete after the range has become `next` and was not before, for the progress display. */
export function newlyComplete(range: Range, next: Range | undefined): Window | undefined {
  const lt = range.cursor?.seen === undefined ? range.lt : Math.min(range.lt, range.cursor.seen + 1);
  const gte = next === undefined ? range.gte : (next.cursor?.seen ?? next.lt - 1) + 1;
  return gte < lt ? { gte, lt } : undefined;
}
