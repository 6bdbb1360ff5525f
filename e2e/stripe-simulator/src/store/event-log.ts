import type { Clock } from '../clock.ts';
import { firstRankFrom, type Timeline } from '../distribution.ts';
import { resources } from '../endpoint-table.ts';
import { type IdSpace, scrambledIds } from '../object-id.ts';
import type { Change } from '../object-shape.ts';
import { hashIndex, mix } from '../random.ts';
import type { Listing } from './listing.ts';
import type { Stream } from './stream.ts';

/** How long Stripe keeps events (API reference: "going back up to 30 days"). */
export const eventRetentionS = 30 * 86_400;

/** What happened to an object. */
export type Happening = 'created' | 'updated' | 'deleted';

type LoggedEvent = {
  created: number;
  type: string;
  stream: Stream;
  rank: number;
  before: Change | undefined;
  after: Change | undefined;
  what: Happening;
};

/**
 * The list of events. Those from before the start are computed, each an update of some object that existed by then,
 * with the content that the object still has; those of what happens while it runs are remembered.
 */
export class EventLog implements Listing {
  readonly ordered = true;
  readonly #baseCount: number;
  readonly #timeline: Timeline;
  readonly #ids: IdSpace;
  readonly #seed: number;
  readonly #clock: Clock;
  readonly #apiVersion: string;
  /** Streams whose updates have events, each as often as its share of the objects is (at least once). */
  readonly #sources: Stream[];
  readonly #logged: LoggedEvent[] = [];

  constructor(of: {
    streams: Iterable<Stream>;
    baseCount: number;
    timeline: Timeline;
    seed: number;
    clock: Clock;
    apiVersion: string;
  }) {
    this.#timeline = of.timeline;
    this.#seed = of.seed;
    this.#clock = of.clock;
    this.#apiVersion = of.apiVersion;
    this.#ids = scrambledIds(of.seed, '/v1/events', 'evt_', 24);
    const withEvents = [...of.streams].filter((s) => s.baseCount > 0 && resources[s.object]?.events?.updated);
    const total = withEvents.reduce((sum, s) => sum + s.baseCount, 0);
    this.#sources = withEvents.flatMap((s) =>
      Array<Stream>(Math.max(1, Math.round((100 * s.baseCount) / total))).fill(s),
    );
    this.#baseCount = this.#sources.length > 0 ? of.baseCount : 0;
  }

  size(): number {
    return this.#baseCount + this.#logged.length;
  }

  floor(): number {
    return firstRankFrom((rank) => this.createdAt(rank), this.size(), this.#clock.nowS() - eventRetentionS);
  }

  liveCount(): number {
    return this.size() - this.floor();
  }

  isLive(): boolean {
    return true;
  }

  createdAt(rank: number): number {
    return rank < this.#baseCount
      ? this.#timeline.createdAt(rank)
      : (this.#logged[rank - this.#baseCount] as LoggedEvent).created;
  }

  idAt(rank: number): string {
    return this.#ids.idOf(rank);
  }

  rankOf(id: string): number | undefined {
    const rank = this.#ids.indexOf(id);
    return rank !== undefined && rank < this.size() && rank >= this.floor() ? rank : undefined;
  }

  typeAt(rank: number): string {
    return this.#at(rank).type;
  }

  field(rank: number, name: string): string | undefined {
    return name === 'type' ? JSON.stringify(this.typeAt(rank)) : undefined;
  }

  /**
   * Notes what has happened to an object. Returns the id of the event, or undefined where Stripe has no event type for
   * this.
   */
  add(
    what: Happening,
    stream: Stream,
    rank: number,
    before: Change | undefined,
    after: Change | undefined,
  ): string | undefined {
    const type = resources[stream.object]?.events?.[what];
    if (type === undefined) return undefined;
    const last = this.size() === 0 ? 0 : this.createdAt(this.size() - 1);
    this.#logged.push({ created: Math.max(last, this.#clock.nowS()), type, stream, rank, before, after, what });
    return this.idAt(this.size() - 1);
  }

  render(rank: number): string {
    const { created, type, stream, rank: of, before, after, what } = this.#at(rank);
    const object = stream.shape.render(stream.subject(of, after ?? noChange));
    const hash = hashIndex(mix(this.#seed, 3), rank);
    const request =
      hash % 3 === 0
        ? '{"id":null,"idempotency_key":null}'
        : `{"id":"req_${hash.toString(36)}${rank.toString(36)}","idempotency_key":null}`;
    const previous =
      what === 'updated'
        ? `,"previous_attributes":${previousAttributes(stream.shape.render(stream.subject(of, before ?? noChange)), object)}`
        : '';
    return (
      `{"id":"${this.idAt(rank)}","object":"event","api_version":"${this.#apiVersion}","created":${created},` +
      `"data":{"object":${object}${previous}},"livemode":false,"pending_webhooks":0,"request":${request},"type":"${type}"}`
    );
  }

  #at(rank: number): LoggedEvent {
    const logged = this.#logged[rank - this.#baseCount];
    if (logged) return logged;
    const created = this.createdAt(rank);
    const hash = hashIndex(this.#seed, rank);
    let stream = this.#sources[hash % this.#sources.length] as Stream;
    let newest = Math.min(stream.newestRankAt(created), stream.baseCount - 1);
    // The largest streams have old objects; only a tiny one can have none from before this event.
    for (let i = 1; newest < 0 && i <= this.#sources.length; i++) {
      stream = this.#sources[(hash + i) % this.#sources.length] as Stream;
      newest = Math.min(stream.newestRankAt(created), stream.baseCount - 1);
    }
    const of = mix(hash, 1) % (Math.max(0, newest) + 1);
    return {
      created,
      type: resources[stream.object]?.events?.updated as string,
      stream,
      rank: of,
      before: undefined,
      after: undefined,
      what: 'updated',
    };
  }
}

/** Says "as at first", where undefined would say "as it is now". */
const noChange: Change = { version: 0, at: 0 };

/** The former values of the top-level fields that differ; of `metadata` only the pairs that do, as Stripe does. */
function previousAttributes(before: string, after: string): string {
  if (before === after) return '{}';
  const [old, now] = [JSON.parse(before), JSON.parse(after)];
  const previous: Record<string, unknown> = {};
  for (const name of Object.keys(now)) {
    if (JSON.stringify(old[name]) === JSON.stringify(now[name])) continue;
    if (name !== 'metadata') previous[name] = old[name];
    else
      previous[name] = Object.fromEntries(
        Object.keys(now[name])
          .filter((k) => old[name][k] !== now[name][k])
          .map((k) => [k, old[name][k] ?? null]),
      );
  }
  return JSON.stringify(previous);
}
