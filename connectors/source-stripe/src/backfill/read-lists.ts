import { BufferPool, type Clock, type SourceOutput } from '@penstock/connector-sdk';
import { message } from '@penstock/protocol';
import { type FetchedPage, fetchPage } from '../pages/fetch-page.ts';
import { advanceState, type KeyedRange, newlyComplete } from '../ranges/advance.ts';
import type { StreamState, Window } from '../ranges/range.ts';
import { type Choice, chooseNext } from '../ranges/schedule.ts';
import { timeRangeOf, writeStreamState } from '../ranges/stream-state.ts';
import type { Permit } from '../rate-limit.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import type { Handover } from './handover.ts';
import { type AskedPage, ListPass, type ListTask } from './list-pass.ts';
import { slotsFor } from './slots.ts';

/** What reading lists works with. */
export interface ListsContext {
  readonly client: StripeReader;
  readonly accountId: string;
  /** Requests a second. */
  readonly rate: number;
  /** Lists that may be read at once beyond their first page. */
  readonly listsMax: number;
  readonly output: Handover<readonly SourceOutput[]>;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly toRecords: RecordMaker;
  /** Told of each stream whose list is through, or could not be read. Waited for. */
  readonly onEnd: (end: ListEnd) => Promise<void>;
}

/** The objects of a page, stamped as records of their own list. */
export interface PageOfList {
  readonly list: StripeStream;
  readonly objects: readonly Buffer[];
  readonly asOf: number;
}

/** Some records of a page, or why there are no more of this stream. */
export type MadeRecords =
  | { readonly stream: StripeStream; readonly records: readonly Buffer[] }
  | { readonly stream: StripeStream; readonly error: unknown };

/** Makes the records of these streams of a page of their list, some at a time. Throws nothing but the signal's reason. */
export type RecordMaker = (page: PageOfList, streams: readonly StripeStream[]) => AsyncIterable<MadeRecords>;

/** How reading a list ended for one stream. */
export interface ListEnd {
  readonly stream: StripeStream;
  /** As it was emitted; what remains is left over by the limit of the backfill, or by a failure. */
  readonly state: StreamState;
  readonly failure?: { readonly error: unknown; readonly hasBegun: boolean };
}

/** Bytes of pages that wait to be written; beyond, nothing more is asked for (P4). */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** Ends when it is told, and then begins anew: something to look at again has happened. */
class Change {
  #next = Promise.withResolvers<void>();

  tell(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers<void>();
  }

  get whenTold(): Promise<void> {
    return this.#next.promise;
  }
}

/**
 * Reads lists side by side under one rate limit: takes a token, asks the schedule what to fetch with it, and emits the pages
 * of each list in the order in which they came.
 */
export class ListsReader {
  readonly #context: ListsContext;
  readonly #passes: readonly ListPass[];
  /** For each pass, the end of what was begun to be emitted. */
  readonly #tails = new Map<ListPass, Promise<void>>();
  /** Streams of a pass which failed by themselves. */
  readonly #failed = new Map<StripeStream, unknown>();
  readonly #ended = new Set<ListPass>();
  readonly #change = new Change();
  readonly #pool = new BufferPool();
  #inFlight = 0;
  #waitingBytes = 0;
  /** What ends all of it. */
  #fatal: { readonly error: unknown } | undefined;

  constructor(context: ListsContext, tasks: readonly ListTask[]) {
    this.#context = context;
    this.#passes = tasks.map((task) => new ListPass(task));
  }

  /**
   * Resolves when every list was ended with `onEnd`.
   *
   * @throws what `onEnd` throws, and the signal's reason when it is aborted
   */
  async run(): Promise<void> {
    const { signal } = this.#context;
    const stop = (): void => this.#failAll(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      this.#endWhatIsThrough();
      await this.#fetchAll();
      await Promise.all(this.#tails.values());
      if (this.#fatal !== undefined) throw this.#fatal.error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #fetchAll(): Promise<void> {
    const { client, signal } = this.#context;
    while (this.#ended.size < this.#passes.length) {
      if (this.#fatal !== undefined) throw this.#fatal.error;
      const told = this.#change.whenTold;
      if (this.#choose() !== undefined) {
        const permit = await client.whenAllowed(signal);
        // A page may have come meanwhile and made another choice the better one.
        const choice = this.#choose();
        if (choice === undefined) permit.giveBack();
        else this.#start(choice, permit);
      } else await told;
    }
  }

  #choose(): Choice | undefined {
    const { rate, client, listsMax } = this.#context;
    if (this.#waitingBytes > WAITING_BYTES_MAX) return undefined;
    let open = this.#passes.filter((pass) => pass.isOpen && !pass.isFetched).length;
    const candidates = this.#passes.map((pass) => {
      if (!pass.isOpen && pass.isBeyondFirstPage && open < listsMax) {
        pass.isOpen = true;
        open++;
      }
      return pass.candidate(!pass.isOpen || pass.failure !== undefined);
    });
    return chooseNext(candidates, { inFlight: this.#inFlight, max: slotsFor(rate, client.latencyMs) });
  }

  #start(choice: Choice, permit: Permit): void {
    const pass = this.#passes[choice.stream] as ListPass;
    const key = choice.kind === 'split' ? pass.split(choice.key, choice.at) : choice.key;
    const asked = pass.ask(key);
    this.#inFlight++;
    this.#fetch(pass, asked, permit).catch((error: unknown) => this.#failAll(error));
  }

  #failAll(error: unknown): void {
    this.#fatal ??= { error };
    this.#change.tell();
  }

  async #fetch(pass: ListPass, asked: AskedPage, permit: Permit): Promise<void> {
    const { client, accountId, signal } = this.#context;
    const { list } = pass.task;
    try {
      const fetched = await fetchPage(client, accountId, { list, ...asked, permit, pool: this.#pool }, signal);
      pass.land(asked, fetched.page, fetched.step);
      this.#emitInTurn(pass, asked.range, fetched);
    } catch (error) {
      signal.throwIfAborted();
      pass.fail(error);
    } finally {
      this.#inFlight--;
      this.#endWhatIsThrough();
      this.#change.tell();
    }
  }

  /** The first records are made at once, side by side; they go out in the order in which the pages came. */
  #emitInTurn(pass: ListPass, range: KeyedRange, fetched: FetchedPage): void {
    const memory = fetched.page?.memory;
    const bytes = memory?.length ?? 0;
    this.#waitingBytes += bytes;
    const emit = this.#makeRecords(pass, fetched);
    const tail = (this.#tails.get(pass) ?? Promise.resolve()).then(async () => {
      await emit();
      await this.#context.output.put(this.#checkpoints(pass, range, fetched));
      // Everything made of it was taken by now, and is written.
      if (memory !== undefined) this.#pool.giveBack(memory);
      this.#waitingBytes -= bytes;
      // Making records can have ended the pass.
      this.#endWhatIsThrough();
      this.#change.tell();
    });
    tail.catch((error: unknown) => this.#failAll(error));
    this.#tails.set(pass, tail);
  }

  /** Begins to make records. @returns what emits them */
  #makeRecords(pass: ListPass, { page, asOf }: FetchedPage): () => Promise<void> {
    const { toRecords, output, clock } = this.#context;
    const { list, streams } = pass.task;
    const wanted = streams.filter((stream) => !this.#failed.has(stream));
    if (page === undefined || page.count === 0) return async () => undefined;
    const made = toRecords({ list, objects: page.records, asOf }, wanted)[Symbol.asyncIterator]();
    const first = made.next();
    // Whoever comes to it later sees the error; until then it must not count as unhandled.
    first.catch(() => undefined);
    return async () => {
      try {
        for (let next = await first; next.done !== true; next = await made.next()) {
          const { stream } = next.value;
          // One bad stream is one bad stream (P5): those that are read along with it go on.
          if (this.#failed.has(stream)) continue;
          if ('error' in next.value) {
            const { error } = next.value;
            this.#failed.set(stream, error);
            // Nobody wants the rest.
            if (streams.every((one) => this.#failed.has(one))) pass.failure ??= { error };
            continue;
          }
          const emitted_at = new Date(clock.now()).toISOString();
          await output.put([{ type: 'record_batch', stream: stream.name, emitted_at, data: next.value.records }]);
        }
      } finally {
        await made.return?.();
      }
    };
  }

  #checkpoints(pass: ListPass, { key }: KeyedRange, { page, step }: FetchedPage): SourceOutput[] {
    const before = pass.state.remaining.find((range) => range.key === key) as KeyedRange;
    pass.state = advanceState(pass.state, key, step, page?.count ?? 0);
    const after = pass.state.remaining.find((range) => range.key === key);
    return pass.task.streams.flatMap((stream): SourceOutput[] => {
      // Its checkpoints would cover records that it doesn't have.
      if (this.#failed.has(stream)) return [];
      return [
        checkpoint(stream.name, pass.state),
        ...completeRange(pass.task.list, stream, newlyComplete(before, after)),
      ];
    });
  }

  #endWhatIsThrough(): void {
    for (const pass of this.#passes) {
      if (!pass.isFetched || this.#ended.has(pass)) continue;
      this.#ended.add(pass);
      const tail = (this.#tails.get(pass) ?? Promise.resolve()).then(() => this.#end(pass));
      tail.catch((error: unknown) => this.#failAll(error));
      this.#tails.set(pass, tail);
    }
  }

  async #end(pass: ListPass): Promise<void> {
    const { hasBegun } = pass;
    for (const stream of pass.task.streams) {
      const failure = this.#failed.has(stream) ? { error: this.#failed.get(stream) } : pass.failure;
      const state = pass.state;
      await this.#context.onEnd({
        stream,
        state,
        ...(failure === undefined ? {} : { failure: { error: failure.error, hasBegun } }),
      });
    }
  }
}

/** The state of a stream as a message. */
export function checkpoint(stream: string, state: StreamState): SourceOutput {
  return message.sourceState({ state_type: 'stream', stream, data: writeStreamState(state) });
}

/** Says that a time is complete. */
export function rangeComplete(stream: string, window: Window): SourceOutput {
  return message.streamStatus({ stream, status: 'range_complete', range_complete: timeRangeOf(window) });
}

function completeRange(list: StripeStream, stream: StripeStream, window: Window | undefined): SourceOutput[] {
  // With several queries, a time is complete only when all of them are.
  if (window === undefined || list.created === null || list.queries.length > 1) return [];
  return [rangeComplete(stream.name, window)];
}
