import { type StreamState, unreadState, type Window } from '../ranges/range.ts';
import { continueWholeList, reconcileState } from '../ranges/reconcile.ts';
import type { StripeStream } from '../streams/stream-table.ts';

/** What decides how much of a list is to be read. Times are seconds since 1970, of Stripe's clock. */
export interface PlanInput {
  /** The list that is asked for, and what is known of it. */
  readonly list: Pick<StripeStream, 'created' | 'queries' | 'neverChanges'>;
  /** From earlier runs; undefined when there is none, or when what happened since can't be known any more. */
  readonly saved: StreamState | undefined;
  /** What the run accounts for. */
  readonly window: Window;
  readonly backfillLimit: number | undefined;
  /**
   * Up to when events have told of the stream; undefined when they don't tell everything. What is created from then on comes
   * as an event, and not from the list.
   */
  readonly toldUntil: number | undefined;
  /** How old a whole reading may be where events don't tell what changed. */
  readonly rereadAfterS: number;
  readonly now: number;
}

/** What is to be read of a list. */
export interface ListPlan {
  readonly state: StreamState;
  /** Everything is read once more, since nothing else tells what changed. */
  readonly isReread: boolean;
}

/**
 * Records of a list that is cheap enough to be read in each run, where nothing but all of it tells what is new: ten pages at
 * most.
 */
const SMALL_LIST = 1000;

/** Decides what is to be read of a list. Pure. */
export function planStream(input: PlanInput): ListPlan {
  const { list, saved, window, now, toldUntil } = input;
  const unread = unreadState(window, list.queries, now);
  if (saved === undefined) return { state: unread, isReread: false };
  if (isRereadDue(input, saved)) return { state: unread, isReread: true };
  if (list.created === null) {
    const isHeld = input.backfillLimit !== undefined && saved.backfilled >= input.backfillLimit;
    const mayBeOld = isHeld || toldUntil !== undefined;
    return { state: continueWholeList(saved, window, list.queries, mayBeOld) ?? unread, isReread: false };
  }
  const lt = toldUntil === undefined ? window.lt : listUntil(saved, window, toldUntil);
  return {
    state: reconcileState(saved, { gte: window.gte, lt: Math.max(window.gte, lt) }, list.queries),
    isReread: false,
  };
}

/** What was created before events began to tell and isn't accounted for has to come from the list. */
function listUntil({ accounted }: StreamState, window: Window, toldUntil: number): number {
  return window.lt <= toldUntil ? window.lt : Math.max(Math.min(accounted.lt, window.lt), toldUntil);
}

function isRereadDue({ list, toldUntil, rereadAfterS, now }: PlanInput, saved: StreamState): boolean {
  // Without a filter, what is new can't be asked for by itself.
  const isAsItWas = list.neverChanges === true && list.created !== null;
  if (toldUntil !== undefined || isAsItWas || saved.remaining.length > 0) return false;
  if (saved.listedFrom === undefined) return true;
  const isSmall = list.created === null && saved.backfilled <= SMALL_LIST;
  return now - saved.listedFrom >= (isSmall ? Math.min(1, rereadAfterS) : rereadAfterS);
}
