import { type Clock, ConnectorError, type ConnectorLog, type SourceOutput } from '@penstock/connector-sdk';
import { message } from '@penstock/protocol';
import { type FetchedPage, fetchPage } from '../pages/fetch-page.ts';
import { advanceState, newlyComplete } from '../ranges/advance.ts';
import type { Range, StreamState, Window } from '../ranges/range.ts';
import { timeRangeOf, writeStreamState } from '../ranges/stream-state.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import { toConnectorError, troubleOf } from '../stripe-error.ts';
import type { Handover } from './handover.ts';
import type { PageSlots, Release } from './page-slots.ts';

/** What all streams of a run share. */
export interface ReadShared {
  readonly client: StripeReader;
  readonly accountId: string;
  readonly pageSlots: PageSlots;
  /** One for each stream that may be read beyond its first page. */
  readonly streamSlots: PageSlots;
  readonly output: Handover<readonly SourceOutput[]>;
  readonly signal: AbortSignal;
  readonly log: ConnectorLog;
  readonly clock: Clock;
}

/** What is to be read of one stream. */
export interface StreamTask {
  readonly stream: StripeStream;
  readonly state: StreamState;
  /** Records of the backfill that are enough. */
  readonly backfillLimit: number | undefined;
}

interface HeldPage extends FetchedPage {
  /** Gives the page's slot back, once it is written. */
  readonly release: Release;
}

/** How often in a row the cursor may be lost without reading coming any further. */
const LOST_CURSORS_MAX = 5;

function statusRange(name: string, window: Window): SourceOutput {
  return message.streamStatus({ stream: name, status: 'range_complete', range_complete: timeRangeOf(window) });
}

function checkpoint(stream: string, state: StreamState): SourceOutput {
  return message.sourceState({ state_type: 'stream', stream, data: writeStreamState(state) });
}

/**
 * Reads one stream: its ranges in turn, newest first, the next page under way while one is written. The fetching runs
 * ahead with ranges of its own; the state moves on only with a page that is handed over, together with its records (P1).
 */
export class StreamReader {
  readonly #shared: ReadShared;
  readonly #task: StreamTask;
  #state: StreamState;
  /** Records asked for so far, those under way among them. */
  #asked: number;
  #isFirstPage = true;
  #streamSlot: Release | undefined;
  /** Where reading had to begin again, and how often in a row. */
  #lost = { query: '', lt: Number.POSITIVE_INFINITY, count: 0 };

  constructor(shared: ReadShared, task: StreamTask) {
    this.#shared = shared;
    this.#task = task;
    this.#state = task.state;
    this.#asked = task.state.backfilled;
  }

  /**
   * Hands over everything of the stream, its terminal status last. Ends without one when the run was stopped.
   *
   * @throws ConnectorError when the whole run is to end
   */
  async run(): Promise<void> {
    const { stream } = this.#task;
    const { output, signal } = this.#shared;
    const { name } = stream;
    // Before anything is waited for: so each stream stands in line for its first page before one asks for its second.
    const waiting = [...this.#state.remaining];
    const first = this.#startNext(waiting);
    try {
      const time_range = timeRangeOf(this.#state.accounted);
      await output.put([message.streamStatus({ stream: name, status: 'start', time_range })]);
      for await (const fetched of this.#readPages(waiting, first)) await this.#emit(fetched);
      await output.put(this.#ending());
    } catch (error) {
      if (signal.aborted) return;
      // Once it has answered, a list that refuses is no product that is missing.
      const hasBegun = this.#state.remaining.some((range) => range.cursor !== undefined);
      const trouble = troubleOf(error, stream, hasBegun);
      if (trouble.kind === 'run_error') throw trouble.error;
      if (trouble.kind === 'skip' && this.#isFirstPage) {
        await output.put([message.streamStatus({ stream: name, status: 'skip', reason: trouble.reason })]);
        return;
      }
      const { text, failureType } = trouble.kind === 'stream_error' ? trouble.error : toConnectorError(error);
      await output.put([
        message.streamStatus({ stream: name, status: 'error', error: text, failure_type: failureType }),
      ]);
    } finally {
      this.#streamSlot?.();
    }
  }

  /** Objects to ask for at most, or undefined when the limit of the backfill is reached. */
  #pageLimit(range: Range): number | null | undefined {
    const { stream, backfillLimit } = this.#task;
    if (backfillLimit === undefined || range.isNews) return stream.limit;
    const rest = backfillLimit - this.#asked;
    if (rest <= 0) return undefined;
    return stream.limit === null ? null : Math.min(stream.limit, rest);
  }

  async *#readPages(waiting: Range[], first: Promise<HeldPage> | undefined): AsyncGenerator<HeldPage, void, undefined> {
    let ahead = first;
    while (ahead !== undefined) {
      const fetched = await ahead;
      this.#isFirstPage = false;
      if (fetched.next !== undefined) waiting.unshift(fetched.next);
      ahead = this.#startNext(waiting);
      yield fetched;
    }
  }

  /**
   * A list that never knows what it said a page earlier would be begun again for ever.
   *
   * @throws ConnectorError when the cursor was lost too often at the same place
   */
  #assertComesOn({ next, page }: FetchedPage): void {
    if (page !== undefined || next === undefined) return;
    const { query, lt } = next;
    const { query: lastQuery, lt: lastLt, count } = this.#lost;
    this.#lost = { query, lt, count: query === lastQuery && lt >= lastLt ? count + 1 : 1 };
    if (this.#lost.count <= LOST_CURSORS_MAX) return;
    const times = this.#lost.count;
    const message = `GET ${this.#task.stream.path} refused ${times} times in a row to go on where a page had ended.`;
    throw new ConnectorError('upstream_failed', { message });
  }

  /** Starts fetching the first of the ranges that isn't held back by the limit, and takes it out of the list. */
  #startNext(waiting: Range[]): Promise<HeldPage> | undefined {
    for (const [i, range] of waiting.entries()) {
      const limit = this.#pageLimit(range);
      if (limit === undefined) continue;
      waiting.splice(i, 1);
      const page = this.#fetch(range, limit);
      // Whoever waits for it later sees the error; until then it must not count as unhandled.
      page.catch(() => undefined);
      return page;
    }
    return undefined;
  }

  async #fetch(range: Range, limit: number | null): Promise<HeldPage> {
    const { client, accountId, pageSlots, streamSlots, signal } = this.#shared;
    const isFirst = this.#isFirstPage;
    if (!isFirst) this.#streamSlot ??= await streamSlots.acquire(false, signal);
    const release = await pageSlots.acquire(isFirst, signal);
    try {
      const fetched = await fetchPage(client, accountId, this.#task.stream, range, limit, signal);
      this.#assertComesOn(fetched);
      if (!range.isNews) this.#asked += fetched.page?.count ?? 0;
      return { ...fetched, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #emit({ range, next, page, release }: HeldPage): Promise<void> {
    const { output, clock } = this.#shared;
    const { stream } = this.#task;
    const records = page?.records ?? [];
    this.#state = advanceState(this.#state, range, next, records.length);
    const items: SourceOutput[] = [];
    if (records.length > 0) {
      const emitted_at = new Date(clock.now()).toISOString();
      items.push({ type: 'record_batch', stream: stream.name, emitted_at, data: records });
    }
    items.push(checkpoint(stream.name, this.#state));
    // With several queries, a time is complete only when all of them are.
    const complete = stream.created === null || stream.queries.length > 1 ? undefined : newlyComplete(range, next);
    if (complete !== undefined) items.push(statusRange(stream.name, complete));
    await output.put(items);
    release();
  }

  #ending(): SourceOutput[] {
    const { stream, backfillLimit, state } = this.#task;
    const { name } = stream;
    const items: SourceOutput[] = [];
    // Another window of which nothing is left to read was not in any checkpoint yet.
    if (this.#state === state) items.push(checkpoint(name, state));
    if (this.#state.remaining.length === 0) items.push(statusRange(name, this.#state.accounted));
    else {
      const text = `Stopped at backfill_limit ${backfillLimit}: older records are left for a run with a higher limit.`;
      this.#shared.log.info(text, { stream: name });
    }
    return [...items, message.streamStatus({ stream: name, status: 'complete' })];
  }
}
