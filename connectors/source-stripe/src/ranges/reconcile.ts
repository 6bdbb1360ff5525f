import { isDeepStrictEqual } from 'node:util';
import { isEmptyWindow, RANGES_MAX, type Range, type StreamState, unreadState, type Window } from './range.ts';

/**
 * How long a pass over a list without a `created` filter may be interrupted and still go on where it was, in seconds
 * (a day). A pass that is older would present a mixture of two days as one list.
 */
export const WHOLE_LIST_RESUME_S = 24 * 60 * 60;

/** The part of the range that lies in the window, or undefined when nothing in it is left to read. */
export function trimRange(range: Range, window: Window): Range | undefined {
  const gte = Math.max(range.gte, window.gte);
  const lt = Math.min(range.lt, window.lt);
  if (gte >= lt) return undefined;
  const { cursor, ...rest } = range;
  const trimmed = { ...rest, gte, lt };
  if (cursor === undefined) return trimmed;
  if (gte === range.gte && lt === range.lt) return range;
  if (cursor.seen === undefined) return trimmed;
  // Everything at or after the new start was read already.
  if (cursor.seen < gte) return undefined;
  // The cursor's object is no longer in the list that is asked for, and below `lt` nothing was read yet.
  return cursor.seen >= lt ? trimmed : { ...trimmed, cursor };
}

/**
 * Newest first, and adjacent ranges as one: one that was not begun continues the later one, whose cursor then covers
 * both. So the list stays short however often a run is cut off.
 */
export function joinRanges(ranges: readonly Range[]): Range[] {
  const joined: Range[] = [];
  for (const range of [...ranges].sort((a, b) => b.lt - a.lt)) {
    const later = joined.findIndex(
      (other) => other.query === range.query && other.isNews === range.isNews && other.gte === range.lt,
    );
    const above = joined[later];
    if (above !== undefined && range.cursor === undefined) joined[later] = { ...above, gte: range.gte };
    else joined.push(range);
  }
  // A stream that is cut off again and again before it catches up: better to read a part once more than to grow (P4).
  for (let i = joined.length - 1; i > 0 && joined.length > RANGES_MAX; i--) {
    const lower = joined[i] as Range;
    const above = joined.findLastIndex((range, at) => at < i && range.query === lower.query);
    const range = joined[above];
    if (range === undefined) continue;
    joined[above] = { ...range, gte: Math.min(range.gte, lower.gte) };
    joined.splice(i, 1);
  }
  return joined;
}

/**
 * The state for another window: ranges outside of it are dropped, those at its edges trimmed, and what was not accounted
 * for is added. Windows that share nothing start afresh.
 *
 * @param queries of the stream; ranges of a query that it no longer has are dropped, and one that is new reads everything
 */
export function reconcileState(
  state: StreamState | undefined,
  window: Window,
  queries: readonly string[],
): StreamState {
  if (state === undefined || isEmptyWindow(state.accounted)) return unreadState(window, queries);
  const { accounted } = state;
  if (window.gte > accounted.lt || window.lt < accounted.gte) return unreadState(window, queries);
  const kept = state.remaining
    .filter((range) => queries.includes(range.query))
    .flatMap((range) => trimRange(range, window) ?? []);
  const later = { gte: accounted.lt, lt: window.lt };
  const earlier = { gte: window.gte, lt: accounted.gte };
  const added = queries.flatMap((query): Range[] => {
    if (!state.queries.includes(query)) return isEmptyWindow(window) ? [] : [{ ...window, query }];
    return [
      ...(isEmptyWindow(later) ? [] : [{ ...later, query, isNews: true }]),
      ...(isEmptyWindow(earlier) ? [] : [{ ...earlier, query }]),
    ];
  });
  return { ...state, accounted: window, queries, remaining: joinRanges([...kept, ...added]) };
}

/**
 * The state of a list that can't be filtered by time: a pass that was cut off not long ago goes on and accounts for what its
 * own window said, one that is through stays so. Another window is another pass only where its start is another one.
 *
 * @param mayBeOld whether it may go on however old it is: events tell what changed since, or there is nothing to go on with
 * @returns undefined when the list is to be read from its beginning
 */
export function continueWholeList(
  state: StreamState,
  window: Window,
  queries: readonly string[],
  mayBeOld: boolean,
): StreamState | undefined {
  if (!isDeepStrictEqual(state.queries, queries) || state.accounted.gte !== window.gte) return undefined;
  if (state.remaining.length === 0 || mayBeOld) return state;
  const age = window.lt - state.accounted.lt;
  return age >= 0 && age <= WHOLE_LIST_RESUME_S ? state : undefined;
}
