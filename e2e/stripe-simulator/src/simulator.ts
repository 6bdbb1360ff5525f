import { type Clock, offsetClock } from './clock.ts';
import { type DistributionName, timeline } from './distribution.ts';
import { resources, spreadCounts } from './endpoint-table.ts';
import type { Faults } from './faults.ts';
import { scrambledIds } from './object-id.ts';
import { compileShape } from './object-shape.ts';
import { hashIndex, hashText } from './random.ts';
import { EventLog, eventRetentionS } from './store/event-log.ts';
import { Store } from './store/store.ts';
import type { Stream } from './store/stream.ts';
import type { Happening } from './store/write-event.ts';
import type { TextWriter } from './text-writer.ts';
import { WebhookEndpoints } from './webhooks/webhook-endpoints.ts';

/** How a simulator is set up. Seconds are since the epoch. */
export type SimulatorOptions = {
  seed: number;
  /** Objects over all top-level lists. */
  objects: number;
  /** Objects of single lists, by path; these come on top of what the total gives the others. */
  counts: Readonly<Record<string, number>>;
  distribution: DistributionName;
  /** Distributions of single lists, by path. */
  distributions: Readonly<Record<string, DistributionName>>;
  from: number;
  to: number;
  accountCreated: number;
  clockOffsetS: number;
  /** The only key that is let in; any that looks like a test or restricted key where undefined. */
  apiKey: string | undefined;
  /** Answers are indented as Stripe's are. */
  pretty: boolean;
  faults: Faults;
};

/** The API version that objects look like; it is what events say, and what answers a request that names none. */
export const apiVersion = '2026-10-28.endive';

/** A simulated account: its objects, its events and its clock. No sockets. */
export class Simulator {
  readonly options: SimulatorOptions;
  readonly clock: Clock;
  readonly store: Store;
  readonly events: EventLog;
  readonly accountId: string;
  readonly webhooks: WebhookEndpoints;
  /** Changed by the admin endpoint. */
  faults: Faults;
  #choices = 0;

  constructor(options: SimulatorOptions, machineMs: () => number = Date.now) {
    const { seed, from, to } = options;
    this.options = options;
    this.faults = options.faults;
    this.clock = offsetClock(options.clockOffsetS, machineMs);
    this.accountId = scrambledIds(seed, 'account', 'acct_', 16).idOf(0);
    const counts = spreadCounts(options.objects, options.counts);
    const distributionOf = (path: string) => options.distributions[path] ?? options.distribution;
    this.store = new Store({ seed, counts, distributionOf, from, to, accountId: this.accountId, clock: this.clock });
    const baseCount = counts.get('/v1/events') ?? 0;
    const eventSeed = hashText(seed, '/v1/events');
    this.events = new EventLog({
      streams: this.store.streams.values(),
      baseCount,
      timeline: timeline(distributionOf('/v1/events'), baseCount, Math.max(from, to - eventRetentionS), to, eventSeed),
      seed: eventSeed,
      clock: this.clock,
      apiVersion,
      faults: () => this.faults,
    });
    this.webhooks = new WebhookEndpoints({
      stream: this.store.streams.get('/v1/webhook_endpoints') as Stream,
      events: this.events,
      clock: this.clock,
      seed,
      pretty: options.pretty,
    });
  }

  /** Writes the account itself as JSON text. */
  writeAccount(out: TextWriter): void {
    const resource = resources.account;
    if (!resource) throw new Error('there is no example of an account');
    const shape = compileShape({
      seed: hashText(this.options.seed, 'account'),
      resource,
      parentObject: undefined,
      parentField: undefined,
      accountId: this.accountId,
      idOf: () => undefined,
      embeddedList: () => undefined,
    });
    const { accountId: id, options } = this;
    shape.write({ index: 0, id, created: options.accountCreated, change: undefined, parentId: undefined }, out);
  }

  /** Adds an object, with its event. */
  create(stream: Stream): { id: string; event: string | undefined } {
    const rank = stream.create();
    return { id: stream.idAt(rank), event: this.#note('created', stream, rank, undefined, undefined) };
  }

  /** Changes an object, with its event. */
  update(stream: Stream, rank: number): { id: string; event: string | undefined } {
    const { before, after } = stream.update(rank);
    return { id: stream.idAt(rank), event: this.#note('updated', stream, rank, before, after) };
  }

  /** Deletes an object, with its event. A subscription is canceled instead: Stripe keeps those. */
  delete(stream: Stream, rank: number): { id: string; event: string | undefined } {
    const id = stream.idAt(rank);
    if (stream.path === '/v1/subscriptions') {
      const { before, after } = stream.cancel(rank);
      return { id, event: this.#note('deleted', stream, rank, before, after) };
    }
    const change = stream.changeOf(rank);
    stream.delete(rank);
    return { id, event: this.#note('deleted', stream, rank, change, change) };
  }

  /** Writes an event, and has it delivered to whom it may concern. */
  #note(...happened: Parameters<EventLog['add']>): string | undefined {
    const from = this.events.size();
    const id = this.events.add(...happened);
    for (let rank = from; rank < this.events.size(); rank++) this.webhooks.note(rank);
    return id;
  }

  /** A number for the next choice of an object that a request leaves open. */
  nextHash(): number {
    return hashIndex(this.options.seed ^ 0xc401ce, this.#choices++);
  }

  /** Does one thing to an object of a stream, chosen by a hash. Undefined where the stream has none. */
  act(what: Happening, stream: Stream, hash: number): { id: string; event: string | undefined } | undefined {
    if (what === 'created') return this.create(stream);
    const rank = stream.someRank(hash);
    if (rank === undefined) return undefined;
    return what === 'updated' ? this.update(stream, rank) : this.delete(stream, rank);
  }
}
