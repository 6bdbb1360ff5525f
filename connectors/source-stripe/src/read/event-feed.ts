import { isDeepStrictEqual } from 'node:util';
import type { Clock, SourceOutput } from '@penstock/connector-sdk';
import { message } from '@penstock/protocol';
import type { Handover } from '../backfill/handover.ts';
import { type GlobalState, writeGlobalState } from '../events/global-state.ts';
import type { EventParticipant } from '../events/plan-events.ts';
import { type EventPosition, hasGap, oldestPositionKept, placeStreams, positionOf } from '../events/position.ts';
import { notePosition } from '../events/read-event-pages.ts';
import { type ReplayOptions, replayEvents } from '../events/replay-events.ts';
import { readWebhookInput, type WebhookInput } from '../events/webhook-input.ts';
import { secondOf } from '../ranges/stream-state.ts';
import { StripeResponseError, toConnectorError } from '../stripe-error.ts';
import type { RunStream } from './run-streams.ts';

/** Events older than this are read before lists are, in seconds (a day): lists may take long, and events are kept for a time. */
const LATE_S = 24 * 60 * 60;

/** What a feed works with. */
export interface FeedContext extends Omit<ReplayOptions, 'positions' | 'participants'> {
  readonly output: Handover<readonly SourceOutput[]>;
  readonly clock: Clock;
  /** With it, only what it has signed is taken from outside. */
  readonly webhookSecret: string | undefined;
}

/** What a replay came to. */
export interface ReplayEnd {
  /** Everything that happened before this second was emitted. */
  readonly through: number;
  /** Streams whose changes could not be had. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/**
 * The events of an account, as what tells its streams of changes. Holds how far they were read, and emits it as global state
 * behind the records that it covers (P1).
 */
export class EventFeed {
  readonly #context: FeedContext;
  #global: GlobalState;
  /** The key may not read events: then lists have to tell. */
  #isRefused = false;

  constructor(context: FeedContext, global: GlobalState) {
    this.#context = context;
    this.#global = global;
  }

  /** Whether events say something of the stream. */
  feeds({ stream }: RunStream): boolean {
    const isTold = stream.events !== 'none' && (stream.parent === undefined || stream.parentIdIn !== undefined);
    return isTold && !this.#isRefused;
  }

  /** Up to when events have told all of a stream; undefined when they don't tell all. */
  toldUntil(one: RunStream): number | undefined {
    if (!this.feeds(one) || one.stream.events !== 'all') return undefined;
    return positionOf(this.#global.events, one.stream.name)?.through;
  }

  /** Whether the stream is so far behind that events may be gone before its list is through. */
  isLate({ stream }: RunStream): boolean {
    const position = positionOf(this.#global.events, stream.name);
    return position !== undefined && position.through < this.#context.client.now() - LATE_S;
  }

  /**
   * Gives each stream a position before its first page is read, and takes from a stream the state of which too little is
   * known: what happened between is gone. Says so.
   */
  async begin(all: readonly RunStream[]): Promise<void> {
    const { client, signal, log } = this.#context;
    const streams = all.filter((one) => this.feeds(one));
    const lost = streams.filter((one) => this.#isLost(one));
    const isPlaced = ({ stream }: RunStream): boolean => positionOf(this.#global.events, stream.name) !== undefined;
    // One that has a position keeps it also where its list is begun anew: an earlier run may have emitted records for which
    // no checkpoint was saved.
    const fresh = streams.filter((one) => !lost.includes(one) && !isPlaced(one));
    if (lost.length + fresh.length === 0) return;
    let present: EventPosition;
    try {
      const { cursor } = this.#global.events;
      present = cursor !== undefined && !hasGap(cursor, client.now()) ? cursor : await notePosition(client, signal);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    const old = lost.filter(isPlaced);
    if (old.length > 0) {
      log.warn(
        `Stripe keeps events for 30 days, and these streams were last read before that: ${namesOf(old).join(', ')}. They are read whole; what was deleted before can't be known.`,
      );
    }
    for (const one of lost) one.state = undefined;
    const events = placeStreams(this.#global.events, namesOf(fresh), present);
    // A list doesn't show what is gone; all events that there still are may tell.
    this.#move(placeStreams(events, namesOf(lost), oldestPositionKept(client.now())));
  }

  /** The state that belongs to no stream, as a checkpoint. */
  get checkpoint(): SourceOutput {
    return message.sourceState({ state_type: 'global', data: writeGlobalState(this.#global) });
  }

  /** Whether something of it was read, and not all can be had any more that events told of it since. */
  #isLost({ stream, state }: RunStream): boolean {
    if (this.#isRefused) return false;
    const position = positionOf(this.#global.events, stream.name);
    if (position === undefined) return state !== undefined && stream.events === 'all';
    return hasGap(position, this.#context.client.now());
  }

  #refuse(error: unknown): void {
    this.#context.signal.throwIfAborted();
    const isRefusal = error instanceof StripeResponseError && (error.status === 403 || error.status === 404);
    if (!isRefusal || !error.isFromStripe) throw toConnectorError(error);
    this.#isRefused = true;
    this.#context.log.warn(
      `The API key may not read events (HTTP ${error.status}), so that changes and deletes are not seen. Give it read permission for events.`,
    );
  }

  #move(events: GlobalState['events']): void {
    this.#global = { ...this.#global, events };
  }

  /** What is to be told of these streams. */
  participants(streams: readonly RunStream[]): Map<string, EventParticipant> {
    return new Map(streams.map((one) => [one.stream.name, this.#participant(one)]));
  }

  #participant({ stream, timeRange }: RunStream): EventParticipant {
    const through = positionOf(this.#global.events, stream.name)?.through ?? 0;
    const gte = timeRange?.gte === undefined ? {} : { gte: secondOf(timeRange.gte) };
    const lt = timeRange?.lt === undefined ? undefined : secondOf(timeRange.lt);
    if (lt === undefined) return { created: gte };
    // An end that lies ahead is that of the run: what comes after it belongs to the next one. One that lies behind is the
    // user's: objects from before it, whenever they change.
    if (lt > through) return { created: gte, until: lt };
    return { created: { ...gte, lt }, isPartial: true };
  }

  /** Reads what happened since to these streams, and emits it. */
  async replay(streams: readonly RunStream[]): Promise<ReplayEnd> {
    const { output } = this.#context;
    const participants = this.participants(streams);
    const failures = new Map<string, unknown>();
    let through = 0;
    for await (const step of replayEvents({ ...this.#context, positions: this.#global.events, participants })) {
      for (const [name, error] of step.failures) failures.set(name, error);
      const items = this.#recordBatches(step.records);
      const before = this.checkpoint;
      this.#move(step.positions);
      through = step.through;
      if (!isDeepStrictEqual(this.checkpoint, before)) items.push(this.checkpoint);
      if (items.length > 0) await output.put(items);
    }
    return { through, failures };
  }

  /** Emits what a webhook brought for these streams. Its turn in the list of events comes all the same. */
  async take(input: WebhookInput, streams: readonly RunStream[]): Promise<void> {
    const { webhookSecret, ...context } = this.#context;
    const secret = webhookSecret === undefined ? {} : { webhookSecret };
    const positions = this.#global.events;
    const participants = this.participants(streams);
    const items = this.#recordBatches(
      await readWebhookInput(input, { ...context, ...secret, positions, participants }),
    );
    if (items.length > 0) await this.#context.output.put(items);
  }

  #recordBatches(records: ReadonlyMap<string, readonly Buffer[]>): SourceOutput[] {
    const emitted_at = new Date(this.#context.clock.now()).toISOString();
    return [...records]
      .filter(([, data]) => data.length > 0)
      .map(([stream, data]) => ({ type: 'record_batch', stream, emitted_at, data }));
  }
}

function namesOf(streams: readonly RunStream[]): string[] {
  return streams.map(({ stream }) => stream.name);
}
