/**
 * Ranges of a stream that are still to be read. Times are whole seconds since 1970, as Stripe's `created` has them; on
 * the wire they are ISO 8601. Everything here is a value: nothing is changed in place, so a state that was emitted can't
 * move on behind its checkpoint (P1).
 */

/** A span of time in seconds since 1970: `gte` inclusive, `lt` exclusive. */
export interface Window {
  readonly gte: number;
  readonly lt: number;
}

/** How far a list was read. */
export interface Cursor {
  /** The id of the last object read; of a v2 list, the token of the next page. */
  readonly after: string;
  /**
   * The second in which that object was created, where the list is in order: everything later than it was read. Should
   * Stripe no longer know the object, reading goes on from here.
   */
  readonly seen?: number;
}

/** A part of a stream that is not read yet: newest first, from the cursor on. */
export interface Range extends Window {
  /** Which of the stream's queries lists it; '' for the plain list. */
  readonly query: string;
  /** Absent before the first page. */
  readonly cursor?: Cursor;
  /** Time that went by since an earlier run. A limit of the backfill doesn't hold for it. */
  readonly isNews?: boolean;
}

/** How far a stream is: what is in `accounted` and in none of the `remaining` ranges was read. */
export interface StreamState {
  readonly accounted: Window;
  /** Those that were asked for `accounted`: a version that asks for others has to read all of it with them. */
  readonly queries: readonly string[];
  readonly remaining: readonly Range[];
  /** Records that the backfill has read so far, for its limit; news are not counted. */
  readonly backfilled: number;
  /** When the pass over the whole list began: what changed since then and has no event is not known. */
  readonly listedFrom?: number;
}

/** Ranges that one stream may have (P4). */
export const RANGES_MAX = 256;

/** Whether the window holds no second. */
export function isEmptyWindow(window: Window): boolean {
  return window.gte >= window.lt;
}

/** A stream of which nothing was read: one range for each of its queries. */
export function unreadState(window: Window, queries: readonly string[], listedFrom?: number): StreamState {
  const remaining = isEmptyWindow(window) ? [] : queries.map((query) => ({ gte: window.gte, lt: window.lt, query }));
  return { accounted: window, queries, remaining, backfilled: 0, ...(listedFrom === undefined ? {} : { listedFrom }) };
}
