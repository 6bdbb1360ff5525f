import { ConnectorError, type InputItem, type WriteContext } from '@penstock/connector-sdk';
import { type DestinationMessage, message } from '@penstock/protocol';
import type { Config } from '../config.ts';
import { ConnectionFailure } from '../connect/connection.ts';
import { Batch } from '../merge/batch.ts';
import { type MergeTurn, MergeTurns } from '../merge/merge-turns.ts';
import type { BatchCounts, BatchStore, StreamTable, TroubleOptions } from '../merge/store-batch.ts';
import { buildIndexes } from './build-indexes.ts';
import { Checkpoints } from './checkpoints.ts';
import { FirstLoads } from './first-loads.ts';
import { type BatchWork, nextWork, type Work } from './next-work.ts';
import { type Overwrite, whileGathering } from './overwrite.ts';
import { StorePool } from './store-pool.ts';

/** Messages that wait to be written to stdout; with more, nothing more is read. */
const outboxMax = 1000;

/** How often it is looked for streams of which hardly anything comes any more, in periods after which a batch is written. */
const batchPeriodsPerLook = 10;

/**
 * Stores records in batches and lets each checkpoint out once everything before it is committed (P1). While Postgres works
 * on some batches the next ones are read; with a few in memory reading pauses (P4).
 *
 * @param overwrites of the streams whose rows are replaced as a whole once they are complete
 * @throws ConnectorError when the run can't go on; a trouble of one stream is a message instead (P5)
 */
export async function* storeThenConfirm(
  context: WriteContext<Config>,
  tables: ReadonlyMap<string, StreamTable | ConnectorError>,
  overwrites: ReadonlyMap<string, Overwrite> = new Map(),
): AsyncGenerator<DestinationMessage> {
  const writer = new Writer(context, tables, overwrites);
  const onAbort = () => writer.stop(context.signal.reason);
  context.signal.addEventListener('abort', onAbort, { once: true });
  try {
    yield* writer.messages();
  } finally {
    context.signal.removeEventListener('abort', onAbort);
    await writer.close();
  }
}

class Writer {
  readonly #context: WriteContext<Config>;
  readonly #tables: ReadonlyMap<string, StreamTable | ConnectorError>;
  readonly #checkpoints = new Checkpoints();
  /** By stream, until its rows are taken over. */
  readonly #overwrites: Map<string, Overwrite>;
  readonly #firstLoads: FirstLoads;
  /** Streams whose batches wait for other work on the whole table. */
  readonly #blocked = new Set<string>();
  /** The batch of each stream that is being filled. */
  readonly #filling = new Map<string, BatchWork>();
  /** Oldest first. */
  #queue: Work[] = [];
  readonly #stores: StorePool;
  readonly #turns = new Map<string, MergeTurns>();
  readonly #inFlight = new Map<string, number>();
  readonly #spareBuffers: Buffer<ArrayBuffer>[] = [];
  readonly #outbox: DestinationMessage[] = [];
  /** Bytes of all batches in memory. */
  #bytes = 0;
  #inputIsIdle = false;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #flushTimer: NodeJS.Timeout | undefined;
  readonly #lookTimer: NodeJS.Timeout;
  /** Whether all input was read as soon as it came, since the latest look. */
  #hasKeptUp = true;
  /** Whether the source tells what becomes of its streams. */
  #sourceTells = false;
  /** Whoever waits for something to change; each has one waiter at most. */
  #wakeReader = () => {};
  #wakeOutput = () => {};
  readonly #stopping = new AbortController();

  constructor(
    context: WriteContext<Config>,
    tables: ReadonlyMap<string, StreamTable | ConnectorError>,
    overwrites: ReadonlyMap<string, Overwrite>,
  ) {
    this.#context = context;
    this.#tables = tables;
    this.#overwrites = new Map(overwrites);
    for (const [stream, { holdsCheckpoints }] of overwrites) if (holdsCheckpoints) this.#checkpoints.hold(stream);
    this.#stores = new StorePool(context.config, context.log, () => this.#storeIsFree());
    const { batch_bytes_max, batch_records_max, batch_seconds_max } = context.config.limits;
    const lacking = [...tables].filter(
      ([, table]) => !(table instanceof ConnectorError) && table.plan.indexes.length > 0,
    );
    this.#firstLoads = new FirstLoads(
      lacking.map(([stream]) => stream),
      { bytes: batch_bytes_max, records: batch_records_max },
    );
    this.#lookTimer = setInterval(() => this.#lookForTrickles(), batchPeriodsPerLook * batch_seconds_max * 1000);
    this.#lookTimer.unref();
  }

  async *messages(): AsyncGenerator<DestinationMessage> {
    for (const [stream, table] of this.#tables) if (table instanceof ConnectorError) this.#failStream(stream, table);
    void this.#readInput().catch((error: unknown) => this.stop(error));
    for (;;) {
      // What was committed is confirmed also when the run then fails.
      while (this.#outbox.length > 0) {
        yield this.#outbox.shift()!;
        if (this.#outbox.length === outboxMax - 1) this.#wakeReader();
      }
      if (this.#failure) throw this.#failure.error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wakeOutput = resolve;
      });
    }
  }

  /** Ends the run with an error: nothing more is stored or confirmed. */
  stop(error: unknown): void {
    this.#failure ??= { error };
    this.#stopping.abort(error);
    this.#stores.abandon();
    this.#wakeReader();
    this.#wakeOutput();
  }

  async close(): Promise<void> {
    clearTimeout(this.#flushTimer);
    clearInterval(this.#lookTimer);
    this.#stopping.abort();
    if (!this.#ended) this.#stores.abandon();
    await this.#stores.close();
  }

  async #readInput(): Promise<void> {
    const iterator = this.#context.input[Symbol.asyncIterator]();
    try {
      for (;;) {
        await this.#whenRoom();
        const next = iterator.next();
        // A whole turn of the event loop without input: what arrived has been waiting long enough.
        let idleWatch = setImmediate(() => {
          idleWatch = setImmediate(() => {
            this.#inputIsIdle = true;
            this.#flushAwaited();
          });
        });
        const { done, value } = await next;
        clearImmediate(idleWatch);
        this.#inputIsIdle = false;
        if (done || this.#failure) break;
        for (const item of value) this.#take(item);
      }
    } finally {
      // Not waited for: a generator that is asked to return while it waits for input answers only after that.
      void iterator.return?.();
    }
    for (const stream of [...this.#filling.keys()]) this.#seal(stream);
    // Who hears nothing of its streams takes the end of the input for theirs.
    if (!this.#sourceTells) for (const stream of this.#firstLoads.streams) this.#requestIndexes(stream);
    while (!this.#failure && (this.#queue.length > 0 || !this.#stores.isIdle)) await this.#whenChanged();
    this.#ended = true;
    this.#wakeOutput();
  }

  #take(item: InputItem): void {
    if (item.kind === 'record') this.#takeRecord(item.stream, item.data, item.lineNumber);
    else if (item.kind === 'failure') this.#failStream(item.stream, item.error);
    else {
      const status = item.kind === 'status' ? item.message.stream_status : undefined;
      if (status?.status === 'complete') this.#requestTakeOver(status.stream);
      this.#emit(this.#checkpoints.arrived(item.message));
      if (status?.status === 'complete') this.#requestIndexes(status.stream);
      this.#sourceTells ||= status !== undefined;
    }
  }

  /** A complete set takes the place of the old one before anybody hears that it is complete. */
  #requestTakeOver(stream: string): void {
    if (!this.#overwrites.has(stream) || this.#checkpoints.hasFailed(stream)) return;
    this.#seal(stream);
    this.#queue.push({ kind: 'take_over', stream, position: this.#checkpoints.opened(stream) });
    this.#dispatch();
  }

  /** Its first load is over: all that came of it is merged before. */
  #requestIndexes(stream: string): void {
    if (this.#context.stopRequested.aborted || this.#checkpoints.hasFailed(stream)) return;
    if (!this.#firstLoads.end(stream)) return;
    this.#seal(stream);
    this.#queue.push({ kind: 'indexes', stream });
    this.#dispatch();
  }

  #lookForTrickles(): void {
    for (const stream of this.#firstLoads.trickling({ hasKeptUp: this.#hasKeptUp })) this.#requestIndexes(stream);
    this.#hasKeptUp = true;
  }

  #takeRecord(stream: string, data: Buffer, lineNumber: number): void {
    if (this.#checkpoints.hasFailed(stream)) return;
    const { batch } = this.#filling.get(stream) ?? this.#beginBatch(stream);
    const before = batch.bytes;
    batch.add(data, lineNumber);
    this.#bytes += batch.bytes - before;
    const { batch_bytes_max, batch_records_max } = this.#context.config.limits;
    if (batch.bytes >= batch_bytes_max || batch.count >= batch_records_max) this.#seal(stream);
  }

  #beginBatch(stream: string): BatchWork {
    const batch = new Batch(stream, this.#context.config.limits.batch_bytes_max, this.#spareBuffers);
    const work = { kind: 'batch' as const, stream, batch, position: this.#checkpoints.opened(stream) };
    this.#filling.set(stream, work);
    this.#flushTimer ??= this.#startFlushTimer();
    return work;
  }

  /**
   * All that is being filled, at most one period after its first record. A stream with a batch in the queue goes on filling:
   * while Postgres stands still, small batches would pile up, each with its buffer (P4).
   */
  #startFlushTimer(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#flushTimer = undefined;
      const queued = new Set(this.#queue.map((work) => work.stream));
      for (const stream of [...this.#filling.keys()]) if (!queued.has(stream)) this.#seal(stream);
      if (this.#filling.size > 0) this.#flushTimer = this.#startFlushTimer();
    }, this.#context.config.limits.batch_seconds_max * 1000);
  }

  #seal(stream: string): void {
    const work = this.#filling.get(stream);
    if (!work) return;
    this.#filling.delete(stream);
    this.#firstLoads.came(stream, { bytes: work.batch.bytes, records: work.batch.count });
    this.#queue.push(work);
    this.#dispatch();
  }

  /** With idle input and a free connection, what a checkpoint waits for is not kept waiting. */
  #flushAwaited(): void {
    for (const stream of [...this.#filling.keys()]) {
      if (!this.#inputIsIdle || this.#queue.length > 0 || !this.#stores.hasIdle) return;
      if (this.#checkpoints.isWaitedFor(stream)) this.#seal(stream);
    }
  }

  #dispatch(): void {
    while (this.#stores.hasIdle && !this.#failure) {
      const work = nextWork(this.#queue, {
        inFlight: this.#inFlight,
        blocked: this.#blocked,
        connections: this.#stores.size,
      });
      const store = work && this.#stores.take();
      if (!store) return;
      const { stream } = work;
      this.#queue.splice(this.#queue.indexOf(work), 1);
      this.#inFlight.set(stream, (this.#inFlight.get(stream) ?? 0) + 1);
      if (work.kind !== 'batch') this.#blocked.add(stream);
      void this.#run(store, work, this.#turnsOf(stream).next());
    }
  }

  #turnsOf(stream: string): MergeTurns {
    const turns = this.#turns.get(stream) ?? new MergeTurns();
    this.#turns.set(stream, turns);
    return turns;
  }

  /** Never rejects. */
  async #run(store: BatchStore, work: Work, turn: MergeTurn): Promise<void> {
    const { stream, kind } = work;
    const bytes = kind === 'batch' ? work.batch.bytes : 0;
    const isWanted = () => !this.#checkpoints.hasFailed(stream) && !this.#failure;
    try {
      if (kind === 'indexes')
        await buildIndexes(store, this.#tables.get(stream) as StreamTable, this.#troubleOptions());
      else {
        const counts = await (kind === 'batch'
          ? this.#storeBatch(store, work.batch, turn, isWanted)
          : this.#takeOver(store, stream));
        // Rows that are there are counted, also when an earlier batch has failed meanwhile.
        if (counts) this.#emit([message.writeResult({ stream, ...counts })]);
        if (counts && isWanted()) this.#emit(this.#checkpoints.committed(stream, work.position));
      }
    } catch (error) {
      if (error instanceof ConnectionFailure || this.#stopping.signal.aborted) this.stop(error);
      else if (error instanceof ConnectorError) this.#failStream(stream, error);
      else this.stop(error);
    }
    turn.settle();
    this.#bytes -= bytes;
    if (kind !== 'batch') this.#blocked.delete(stream);
    this.#inFlight.set(stream, this.#inFlight.get(stream)! - 1);
    this.#stores.putBack(store);
    this.#storeIsFree();
  }

  #storeIsFree(): void {
    this.#dispatch();
    this.#flushAwaited();
    this.#wakeReader();
  }

  /** @returns undefined when the batch is not wanted any more */
  async #storeBatch(store: BatchStore, batch: Batch, turn: MergeTurn, isWanted: () => boolean) {
    const overwrite = this.#overwrites.get(batch.stream);
    const table = overwrite?.side ?? (this.#tables.get(batch.stream) as StreamTable);
    const onStored = (counts: BatchCounts) =>
      this.#emit([message.writeResult({ stream: batch.stream, ...(overwrite ? whileGathering(counts) : counts) })]);
    const options = { ...this.#troubleOptions(), turn, isWanted, onStored };
    const counts = await store.store(table, batch, options);
    // Only now is it sure that no socket holds on to it.
    if (counts) batch.release(this.#stores.size + 1);
    return counts && overwrite ? whileGathering(counts) : counts;
  }

  #troubleOptions(): TroubleOptions {
    const { config, log, stopRequested } = this.#context;
    return { config, log, stopRequested, signal: this.#stopping.signal };
  }

  async #takeOver(store: BatchStore, stream: string): Promise<BatchCounts> {
    const overwrite = this.#overwrites.get(stream)!;
    const table = this.#tables.get(stream) as StreamTable;
    const counts = await store.perform(table, overwrite.takeOver, this.#troubleOptions());
    this.#overwrites.delete(stream);
    this.#checkpoints.free(stream);
    return counts;
  }

  #failStream(stream: string, error: ConnectorError): void {
    if (!this.#checkpoints.failed(stream)) return;
    const isOther = (work: Work) => work.stream !== stream;
    for (const work of [this.#filling.get(stream), ...this.#queue.filter((queued) => !isOther(queued))])
      this.#bytes -= work?.kind === 'batch' ? work.batch.bytes : 0;
    this.#filling.delete(stream);
    this.#queue = this.#queue.filter(isOther);
    this.#emit([message.streamStatus({ stream, status: 'error', error: error.text, failure_type: error.failureType })]);
  }

  #emit(messages: readonly DestinationMessage[]): void {
    if (messages.length === 0) return;
    // One by one: as arguments of one call, tens of thousands don't fit on the stack.
    for (const item of messages) this.#outbox.push(item);
    this.#wakeOutput();
  }

  /** Waits while memory, checkpoints or output are at their limit, and gets to work what is in the way. */
  async #whenRoom(): Promise<void> {
    const { batch_bytes_max, open_checkpoints_max } = this.#context.config.limits;
    // One batch for each connection and one to fill meanwhile.
    const bytesMax = batch_bytes_max * (this.#stores.size + 1);
    while (!this.#failure) {
      const isFull = this.#bytes >= bytesMax;
      const isWaiting = this.#checkpoints.waitingCount >= open_checkpoints_max;
      if (!isFull && !isWaiting && this.#outbox.length < outboxMax) return;
      this.#hasKeptUp = false;
      if (isWaiting) for (const stream of [...this.#filling.keys()]) this.#seal(stream);
      else if (isFull && this.#queue.length === 0) this.#sealLargest();
      await this.#whenChanged();
    }
  }

  #sealLargest(): void {
    const [largest] = [...this.#filling.values()].toSorted((a, b) => b.batch.bytes - a.batch.bytes);
    if (largest) this.#seal(largest.stream);
  }

  #whenChanged(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = resolve;
    });
  }
}
