import { isDeepStrictEqual } from 'node:util';
import type { Clock, ConnectorLog, ReadContext, SourceOutput } from '@penstock/connector-sdk';
import { message } from '@penstock/protocol';
import type { Account } from '../account.ts';
import type { Handover } from '../backfill/handover.ts';
import type { ListTask } from '../backfill/list-pass.ts';
import { checkpoint, type ListEnd, ListsReader, type RecordMaker, rangeComplete } from '../backfill/read-lists.ts';
import { concurrentStreamsOf, rateOf, type StripeConfig } from '../config.ts';
import type { WebhookInput } from '../events/webhook-input.ts';
import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import type { StreamState } from '../ranges/range.ts';
import { timeRangeOf, writeStreamState } from '../ranges/stream-state.ts';
import type { StripeReader } from '../stripe-client.ts';
import type { EventFeed } from './event-feed.ts';
import { planStream } from './plan-stream.ts';
import type { RunStream } from './run-streams.ts';
import { completeStream, failStream } from './stream-end.ts';
import { windowOf } from './stream-window.ts';

/** What a run works with. */
export interface RunContext {
  readonly config: StripeConfig;
  readonly account: Account;
  readonly client: StripeReader;
  readonly feed: EventFeed;
  readonly toRecords: RecordMaker;
  readonly output: Handover<readonly SourceOutput[]>;
  readonly log: ConnectorLog;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** How often lists that tell of new objects are looked at while `poll_events` goes on, in milliseconds. */
const NEWS_EVERY_MS = 300_000;

/** Reads streams: their lists first, then what happened meanwhile, then, where that is asked for, whatever happens. */
export class ReadRun {
  readonly #context: RunContext;
  readonly #streams: readonly RunStream[];
  /** As it was before the run, for what is no news. */
  readonly #saved = new Map<RunStream, StreamState | undefined>();

  constructor(context: RunContext, streams: readonly RunStream[]) {
    this.#context = context;
    this.#streams = streams;
    for (const one of streams) this.#saved.set(one, one.state);
  }

  /** @throws ConnectorError when the whole run is to end, and the signal's reason when it is aborted */
  async run(input: ReadContext<StripeConfig>['input']): Promise<void> {
    const { feed, output, config } = this.#context;
    const tasks = this.#plan(this.#streams);
    // A window that is narrower, or a stream that is begun anew, has to be known before events are passed over for it: the
    // position is worth only as much as the state that it goes with (P1).
    await output.put([...this.#streams.flatMap((one) => this.#beginning(one)), feed.checkpoint]);
    const listening = input === undefined ? undefined : this.#listen(input);
    // At once, and not when it is waited for: until then the run may go on for ever.
    listening?.catch((error: unknown) => output.fail(error));
    const isListed = (one: RunStream): boolean => tasks.some(({ streams }) => streams.includes(one.stream));
    // A long backfill of one stream must not keep the others from being current; and what is told of a stream while its list
    // is read, its versions sort in.
    const early = this.#fed().filter((one) => !isListed(one) || feed.isLate(one));
    const isEarlyEnough = tasks.length > 0 && !this.#fed().some(isListed);
    const catchingUp = tasks.length > 0 ? this.#catchUp(early, isListed) : Promise.resolve();
    await Promise.all([this.#readLists(tasks), catchingUp]);
    if (!isEarlyEnough) await this.#catchUp(this.#fed());
    if (config.poll_events !== undefined) await this.#poll(config.poll_events * 1000);
    if (listening !== undefined && this.#open().length > 0) {
      await listening;
      await this.#catchUp(this.#fed());
    }
    for (const one of this.#open()) await this.#complete(one);
  }

  #beginning(one: RunStream): SourceOutput[] {
    const { name } = one.stream;
    const state = one.state as StreamState;
    const saved = this.#saved.get(one);
    const start = message.streamStatus({ stream: name, status: 'start', time_range: timeRangeOf(state.accounted) });
    return saved === undefined || isDeepStrictEqual(state, saved) ? [start] : [start, checkpoint(name, state)];
  }

  /** Streams that have not ended. */
  #open(): RunStream[] {
    return this.#streams.filter(({ hasEnded }) => !hasEnded);
  }

  #fed(): RunStream[] {
    return this.#open().filter((one) => this.#context.feed.feeds(one));
  }

  /** Decides what is to be read of the lists. Streams that are at the same place of the same list are read in one pass. */
  #plan(streams: readonly RunStream[]): ListTask[] {
    const { client, account, config, feed, log } = this.#context;
    const now = client.now();
    const tasks = new Map<string, ListTask>();
    const reread: string[] = [];
    for (const one of streams) {
      const { stream, list, backfillLimit, timeRange } = one;
      const { state, isReread } = planStream({
        list: { ...list, neverChanges: stream.neverChanges ?? false },
        saved: one.state,
        window: windowOf(timeRange, account.created, now - VISIBILITY_MARGIN_S),
        backfillLimit,
        toldUntil: feed.toldUntil(one),
        rereadAfterS: config.reread_after_s,
        now,
      });
      one.state = state;
      // Lists without a filter are read whole as a matter of course.
      if (isReread && list.created !== null) reread.push(stream.name);
      if (state.remaining.length === 0) continue;
      const key = JSON.stringify([list.path, backfillLimit, writeStreamState(state)]);
      const task = tasks.get(key) ?? { list, streams: [], state, backfillLimit };
      tasks.set(key, { ...task, streams: [...task.streams, stream] });
    }
    if (reread.length > 0) {
      log.info(
        `Events don't tell all changes of ${reread.join(', ')}: read whole again, after ${config.reread_after_s} s.`,
      );
    }
    return [...tasks.values()];
  }

  async #readLists(tasks: readonly ListTask[]): Promise<void> {
    const { client, account, config, output, signal, clock, toRecords } = this.#context;
    const reader = new ListsReader(
      {
        client,
        accountId: account.id,
        rate: rateOf(config),
        listsMax: concurrentStreamsOf(config),
        output,
        signal,
        clock,
        toRecords,
        onEnd: (end) => this.#endOfList(end),
      },
      tasks,
    );
    await reader.run();
  }

  async #endOfList({ stream, state, failure }: ListEnd): Promise<void> {
    const { feed, config } = this.#context;
    const one = this.#streams.find((candidate) => candidate.stream === stream) as RunStream;
    one.state = state;
    if (one.hasEnded) return;
    if (failure !== undefined) await this.#fail(one, failure);
    else if (!feed.feeds(one) && config.poll_events === undefined) await this.#complete(one);
  }

  async #fail(one: RunStream, failure: NonNullable<ListEnd['failure']>): Promise<void> {
    if (one.hasEnded) return;
    one.hasEnded = true;
    await this.#context.output.put(failStream(one.stream, failure));
  }

  /**
   * Emits what happened to these streams, up to now or to the end of the run.
   *
   * @param isListed whether its list is being read, and its state is not to be touched
   */
  async #catchUp(streams: readonly RunStream[], isListed: (one: RunStream) => boolean = () => false): Promise<void> {
    if (streams.length === 0) return;
    const { feed, signal } = this.#context;
    const participants = feed.participants(streams);
    let end: Awaited<ReturnType<EventFeed['replay']>>;
    try {
      end = await feed.replay(streams);
    } catch (error) {
      signal.throwIfAborted();
      // One whose list is being read goes on: its events are read again when that is through.
      for (const one of streams) if (!isListed(one)) await this.#fail(one, { error, hasBegun: true });
      return;
    }
    for (const one of streams) {
      const { name } = one.stream;
      if (isListed(one)) continue;
      if (end.failures.has(name)) await this.#fail(one, { error: end.failures.get(name), hasBegun: true });
      else
        await this.#moveOn(
          one,
          Math.min(end.through, participants.get(name)?.until ?? end.through),
          participants.get(name)?.created?.lt,
        );
    }
  }

  /** What was created before `through` came as an event, so that no list has to tell of it. */
  async #moveOn(one: RunStream, through: number, createdBefore: number | undefined): Promise<void> {
    const { list, stream, state } = one;
    if (state === undefined || stream.events !== 'all' || list.created === null || createdBefore !== undefined) return;
    const { accounted } = state;
    if (through <= accounted.lt) return;
    one.state = { ...state, accounted: { ...accounted, lt: through } };
    await this.#context.output.put([
      checkpoint(stream.name, one.state),
      rangeComplete(stream.name, { gte: accounted.lt, lt: through }),
    ]);
  }

  async #complete(one: RunStream): Promise<void> {
    one.hasEnded = true;
    const items = completeStream(one, one.state as StreamState, this.#saved.get(one), this.#context.log);
    await this.#context.output.put(items);
  }

  /** Goes on until the signal is aborted, or no stream is left. */
  async #poll(everyMs: number): Promise<void> {
    const { clock, signal, feed } = this.#context;
    for (let newsAt = clock.now(); this.#open().length > 0; ) {
      await clock.sleep(everyMs, signal);
      await this.#catchUp(this.#fed());
      if (clock.now() - newsAt < NEWS_EVERY_MS) continue;
      newsAt = clock.now();
      const listed = this.#open().filter((one) => !feed.feeds(one) || one.stream.events !== 'all');
      await this.#readLists(this.#plan(listed));
    }
  }

  /** Emits what comes in by `--source-input`, beside everything else: versions sort it in. */
  async #listen(input: NonNullable<ReadContext<StripeConfig>['input']>): Promise<void> {
    const { feed, signal } = this.#context;
    for await (const value of input) {
      signal.throwIfAborted();
      await feed.take(value as WebhookInput, this.#fed());
    }
  }
}
