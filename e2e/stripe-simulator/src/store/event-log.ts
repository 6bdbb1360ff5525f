import type { Clock } from '../clock.ts';
import { firstRankFrom, type Timeline } from '../distribution.ts';
import { doublesInPairs, eventFateOf, type Faults } from '../faults.ts';
import { type IdSpace, scrambledIds } from '../object-id.ts';
import type { Change } from '../object-shape.ts';
import { hashIndex, mix } from '../random.ts';
import type { TextWriter } from '../text-writer.ts';
import type { Listing } from './listing.ts';
import type { Stream } from './stream.ts';
import { type Happening, type Told, writeEvent } from './write-event.ts';

/** How long Stripe keeps events (API reference: "going back up to 30 days"). */
export const eventRetentionS = 30 * 86_400;

/** An event, and the second from which on it is seen. */
type LoggedEvent = Told & { visibleAt: number };

/**
 * The list of events. Those from before the start are computed, each an update of some object that existed by then,
 * with the content that the object still has; those of what happens while it runs are remembered.
 *
 * Faults that are in force when something happens shape its event; those at the start shape the events from before.
 */
export class EventLog implements Listing {
  readonly ordered = true;
  readonly #baseCount: number;
  readonly #timeline: Timeline;
  readonly #ids: IdSpace;
  readonly #seed: number;
  readonly #clock: Clock;
  readonly #apiVersion: string;
  readonly #faults: () => Faults;
  readonly #faultsBefore: Faults;
  /** Streams whose updates have events, each as often as its share of the objects is (at least once). */
  readonly #sources: Stream[];
  readonly #logged: LoggedEvent[] = [];
  /** The longest that an event has been held back. */
  #lateSMax = 0;

  constructor(of: {
    streams: Iterable<Stream>;
    baseCount: number;
    timeline: Timeline;
    seed: number;
    clock: Clock;
    apiVersion: string;
    faults: () => Faults;
  }) {
    this.#timeline = of.timeline;
    this.#seed = of.seed;
    this.#clock = of.clock;
    this.#apiVersion = of.apiVersion;
    this.#faults = of.faults;
    this.#faultsBefore = of.faults();
    this.#ids = scrambledIds(of.seed, '/v1/events', 'evt_', 24);
    const withEvents = [...of.streams].filter((s) => s.baseCount > 0 && s.eventTypes.updated !== undefined);
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
    const now = this.#clock.nowS();
    let hidden = 0;
    for (let i = this.#logged.length - 1; i >= 0; i--) {
      const { created, visibleAt } = this.#logged[i] as LoggedEvent;
      if (created + this.#lateSMax <= now) break;
      if (visibleAt > now) hidden++;
    }
    return this.size() - this.floor() - hidden;
  }

  isLive(rank: number): boolean {
    return rank < this.#baseCount || (this.#logged[rank - this.#baseCount]?.visibleAt ?? 0) <= this.#clock.nowS();
  }

  liveDownFrom(rank: number): number {
    let at = rank;
    while (at >= 0 && !this.isLive(at)) at--;
    return at;
  }

  liveUpFrom(rank: number): number {
    const size = this.size();
    let at = rank;
    while (at < size && !this.isLive(at)) at++;
    return at;
  }

  createdAt(rank: number): number {
    return rank < this.#baseCount
      ? this.#timeline.createdAt(this.#firstOf(rank))
      : (this.#logged[rank - this.#baseCount] as LoggedEvent).created;
  }

  idAt(rank: number): string {
    return this.#ids.idOf(rank);
  }

  rankOf(id: string): number | undefined {
    const rank = this.#ids.indexOf(id);
    return rank !== undefined && rank < this.size() && rank >= this.floor() && this.isLive(rank) ? rank : undefined;
  }

  typeAt(rank: number): string {
    const logged = this.#logged[rank - this.#baseCount];
    return logged ? logged.type : (this.#streamBefore(rank).eventTypes.updated as string);
  }

  /** A rank below which no event is of a type for which this holds. */
  lowestOf(holds: (type: string) => boolean): number {
    return this.#sources.some((stream) => holds(stream.eventTypes.updated as string)) ? 0 : this.#baseCount;
  }

  field(rank: number, name: string): string | undefined {
    return name === 'type' ? JSON.stringify(this.typeAt(rank)) : undefined;
  }

  /**
   * Notes what has happened to an object. Returns the id of the event, or undefined where Stripe has no event type for
   * this. A fault may add a second event, with the next rank.
   */
  add(
    what: Happening,
    stream: Stream,
    rank: number,
    before: Change | undefined,
    after: Change | undefined,
  ): string | undefined {
    const type = stream.eventTypes[what];
    if (type === undefined) return undefined;
    const number = this.size();
    const last = number === 0 ? 0 : this.createdAt(number - 1);
    const created = Math.max(last, this.#clock.nowS());
    const fate = eventFateOf(this.#seed, number, stream.path, this.#faults());
    const { isPartial, isOlder } = fate;
    const told: Told = { number, created, type, stream, rank, before, after, what, isPartial, isOlder };
    this.#push(told, fate.lateS);
    if (fate.isDoubled) this.#push(told, eventFateOf(this.#seed, number + 1, stream.path, this.#faults()).lateS);
    return this.idAt(number);
  }

  #push(told: Told, lateS: number): void {
    this.#lateSMax = Math.max(this.#lateSMax, lateS);
    this.#logged.push({ ...told, visibleAt: told.created + lateS });
  }

  /** @param apiVersion the version that the event is written as; the account's where it is left out */
  write(rank: number, out: TextWriter, apiVersion = this.#apiVersion): void {
    const of = { seed: this.#seed, apiVersion, current: this.#apiVersion };
    writeEvent(this.idAt(rank), this.#logged[rank - this.#baseCount] ?? this.#toldBefore(rank), of, out);
  }

  /** Of two neighbours from before the start the second may tell the same as the first. */
  #firstOf(rank: number): number {
    return rank % 2 === 1 && doublesInPairs(this.#seed, rank, this.#faultsBefore) ? rank - 1 : rank;
  }

  /** Only a tiny stream can have no object from before this event; then the next one is taken that has. */
  #streamBefore(rank: number): Stream {
    const created = this.createdAt(rank);
    const hash = hashIndex(this.#seed, this.#firstOf(rank));
    for (let i = 0; i < this.#sources.length; i++) {
      const stream = this.#sources[(hash + i) % this.#sources.length] as Stream;
      if (stream.createdAt(0) <= created) return stream;
    }
    return this.#sources[hash % this.#sources.length] as Stream;
  }

  #toldBefore(rank: number): Told {
    const created = this.createdAt(rank);
    const number = this.#firstOf(rank);
    const stream = this.#streamBefore(rank);
    const newest = Math.min(stream.newestRankAt(created), stream.baseCount - 1);
    const { isPartial, isOlder } = eventFateOf(this.#seed, number, stream.path, this.#faultsBefore);
    return {
      number,
      created,
      type: stream.eventTypes.updated as string,
      stream,
      rank: mix(hashIndex(this.#seed, number), 1) % (Math.max(0, newest) + 1),
      before: undefined,
      after: undefined,
      what: 'updated',
      isPartial,
      isOlder,
    };
  }
}
