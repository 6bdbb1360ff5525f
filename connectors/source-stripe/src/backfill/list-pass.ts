import { ConnectorError } from '@penstock/connector-sdk';
import type { ListPage } from '../pages/list-page.ts';
import { type KeyedState, keyState, type NextStep, splitState } from '../ranges/advance.ts';
import { RANGES_MAX, type StreamState } from '../ranges/range.ts';
import { askPage, landPage, type Reading, type ReadingRange, splitRange, startReading } from '../ranges/reading.ts';
import type { Candidate } from '../ranges/schedule.ts';
import type { StripeStream } from '../streams/stream-table.ts';

/** One pass over a list: what is to be read of it, and for which streams. */
export interface ListTask {
  /** What is asked for. */
  readonly list: StripeStream;
  /** What the records are made for: the list itself, and lists under its objects. */
  readonly streams: readonly StripeStream[];
  readonly state: StreamState;
  /** Records of the backfill that are enough. */
  readonly backfillLimit: number | undefined;
}

/** A page that is to be asked for. */
export interface AskedPage {
  readonly range: ReadingRange;
  /** Objects at most; null for lists that don't take a limit. */
  readonly limit: number | null;
  /** Records that were taken off the limit of the backfill for it. */
  readonly taken: number;
}

/** How often in a row the cursor may be lost without reading coming any further. */
const LOST_CURSORS_MAX = 5;
/** Objects a page where a list doesn't say: all of it. */
const WHOLE_LIST = 100;

/**
 * How far one list is fetched, and how far it was emitted. The two are apart: fetching runs ahead, the state moves on only
 * with a page that is handed over together with its records (P1).
 */
export class ListPass {
  readonly task: ListTask;
  #reading: Reading;
  #state: KeyedState;
  /** Records asked for so far, those under way among them. */
  #asked: number;
  #inFlight = 0;
  #lost = { query: '', lt: Number.POSITIVE_INFINITY, count: 0 };
  /** What ended the pass before it was through. */
  failure: { readonly error: unknown } | undefined;
  /** It may be read beyond its first page. */
  isOpen = false;

  constructor(task: ListTask) {
    this.task = task;
    this.#state = keyState(task.state);
    this.#reading = startReading(this.#state);
    this.#asked = task.state.backfilled;
  }

  /** What was emitted. */
  get state(): KeyedState {
    return this.#state;
  }

  set state(state: KeyedState) {
    this.#state = state;
  }

  /** Whether a part of the list had been read, or has been by now: then the account does have what is listed. */
  get hasBegun(): boolean {
    return this.task.state.remaining.some(({ cursor }) => cursor !== undefined) || this.#hasLanded;
  }

  #hasLanded = false;

  /** Nothing of it is under way, and nothing more will be asked for. */
  get isFetched(): boolean {
    return this.#inFlight === 0 && (this.failure !== undefined || !this.#reading.ranges.some((r) => this.#mayAsk(r)));
  }

  /** Whether anything was asked for or is to be. */
  get isBeyondFirstPage(): boolean {
    return this.#reading.pagesAsked > 0 && !this.isFetched;
  }

  #mayAsk(range: ReadingRange): boolean {
    return range.isNews === true || this.#rest > 0;
  }

  /** Records that the limit of the backfill leaves. */
  get #rest(): number {
    return (this.task.backfillLimit ?? Number.POSITIVE_INFINITY) - this.#asked;
  }

  /** As the schedule sees it. @param isQueued it has to wait for others before it goes on */
  candidate(isQueued: boolean): Candidate {
    const { list, backfillLimit } = this.task;
    return {
      reading: this.#reading,
      pageSize: list.limit ?? WHOLE_LIST,
      // Which records are the newest is known only when they are read in order.
      canSplit:
        list.created !== null &&
        list.paging === 'starting_after' &&
        backfillLimit === undefined &&
        // What is fetched to its end stays in the state until it is emitted.
        this.#state.remaining.length < RANGES_MAX,
      isHeld: this.#rest <= 0,
      isQueued,
    };
  }

  /** Splits a range, also in what was emitted. @returns the key of the older part */
  split(key: number, at: number): number {
    const olderKey = this.#reading.nextKey;
    this.#reading = splitRange(this.#reading, key, at);
    this.#state = splitState(this.#state, key, at, olderKey);
    return olderKey;
  }

  /** The next page of a range is asked for now. */
  ask(key: number): AskedPage {
    this.#reading = askPage(this.#reading, key);
    this.#inFlight++;
    const range = this.#reading.ranges.find((one) => one.key === key) as ReadingRange;
    const { limit } = this.task.list;
    if (range.isNews || this.task.backfillLimit === undefined) return { range, limit, taken: 0 };
    // Taken now, so that two requests under way don't ask for the same rest.
    const taken = Math.min(limit ?? WHOLE_LIST, this.#rest);
    this.#asked += taken;
    return { range, limit: limit === null ? null : taken, taken };
  }

  /**
   * A page came.
   *
   * @throws ConnectorError when the cursor was lost too often at the same place: a list that never knows what it said a page
   * earlier would be begun again for ever
   */
  land({ range, taken }: AskedPage, page: ListPage | undefined, step: NextStep): void {
    // Before anything changes: what throws here is a page that didn't come.
    if (page === undefined && step !== undefined) this.#countLost(range.query, step.lt);
    this.#inFlight--;
    this.#hasLanded = true;
    if (taken > 0) this.#asked += (page?.count ?? 0) - taken;
    this.#reading = landPage(this.#reading, range, page, step);
  }

  /** A page didn't come. The range stays in the state, with its cursor. */
  fail(error: unknown): void {
    this.#inFlight--;
    this.failure ??= { error };
  }

  #countLost(query: string, lt: number): void {
    const { query: lastQuery, lt: lastLt, count } = this.#lost;
    this.#lost = { query, lt, count: query === lastQuery && lt >= lastLt ? count + 1 : 1 };
    if (this.#lost.count <= LOST_CURSORS_MAX) return;
    const times = this.#lost.count;
    const message = `GET ${this.task.list.path} refused ${times} times in a row to go on where a page had ended.`;
    throw new ConnectorError('upstream_failed', { message });
  }

  /** Whether nothing of the window is left to read. */
  get isComplete(): boolean {
    return this.#state.remaining.length === 0;
  }
}
