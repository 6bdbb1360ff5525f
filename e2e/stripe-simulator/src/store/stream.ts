import type { Clock } from '../clock.ts';
import { firstRankFrom, type Timeline } from '../distribution.ts';
import type { EventTypes } from '../endpoint-table.ts';
import type { IdSpace } from '../object-id.ts';
import type { Change, Given, Shape, Subject } from '../object-shape.ts';
import { mix } from '../random.ts';
import type { TextWriter } from '../text-writer.ts';
import { DeletedRanks } from './deleted-ranks.ts';
import type { Listing } from './listing.ts';

/**
 * All objects of a top-level list. The first `baseCount` are computed from their rank; memory grows only with what is
 * created, updated and deleted while the simulator runs.
 */
export class Stream implements Listing {
  readonly ordered: boolean;
  readonly path: string;
  readonly object: string;
  readonly baseCount: number;
  readonly shape: Shape;
  /** What Stripe calls the events about these objects. */
  readonly eventTypes: EventTypes;
  readonly #ids: IdSpace;
  readonly #timeline: Timeline;
  readonly #added: number[] = [];
  readonly #deleted = new DeletedRanks();
  readonly #changes = new Map<number, Change>();
  /** Fields whose values came with the request that made the object. */
  readonly #given = new Map<number, Given>();
  readonly #clock: Clock;
  readonly #step: number;
  readonly #sizeMax: number;

  constructor(of: {
    path: string;
    object: string;
    ordered: boolean;
    baseCount: number;
    ids: IdSpace;
    timeline: Timeline;
    shape: Shape;
    eventTypes: EventTypes;
    clock: Clock;
    seed: number;
    sizeMax: number;
  }) {
    this.path = of.path;
    this.object = of.object;
    this.ordered = of.ordered;
    this.baseCount = of.baseCount;
    this.shape = of.shape;
    this.eventTypes = of.eventTypes;
    this.#ids = of.ids;
    this.#timeline = of.timeline;
    this.#clock = of.clock;
    this.#sizeMax = of.sizeMax;
    this.#step = coprimeStep(of.baseCount, of.seed);
  }

  size(): number {
    return this.baseCount + this.#added.length;
  }

  floor(): number {
    return 0;
  }

  liveCount(): number {
    return this.size() - this.#deleted.size;
  }

  isLive(rank: number): boolean {
    return !this.#deleted.has(rank);
  }

  liveDownFrom(rank: number): number {
    return this.#deleted.downFrom(rank);
  }

  liveUpFrom(rank: number): number {
    return this.#deleted.upFrom(rank);
  }

  /** In a list that isn't ordered by time, neighbours are far apart in it: the rank is multiplied by a coprime step. */
  createdAt(rank: number): number {
    if (rank >= this.baseCount) return this.#added[rank - this.baseCount] as number;
    return this.#timeline.createdAt(this.ordered ? rank : (rank * this.#step) % this.baseCount);
  }

  idAt(rank: number): string {
    return this.#ids.idOf(rank);
  }

  rankOf(id: string): number | undefined {
    const rank = this.#ids.indexOf(id);
    return rank !== undefined && rank < this.size() && this.isLive(rank) ? rank : undefined;
  }

  /** Whether this id was an object of the stream and has been deleted. */
  wasDeleted(id: string): boolean {
    const rank = this.#ids.indexOf(id);
    return rank !== undefined && this.#deleted.has(rank);
  }

  write(rank: number, out: TextWriter): void {
    this.shape.write(this.subject(rank), out);
  }

  field(rank: number, name: string): string | undefined {
    return this.shape.field(name, this.subject(rank));
  }

  /** The object's data at a time when this was its state; by default as it is now. */
  subject(rank: number, change: Change | undefined = this.#changes.get(rank)): Subject {
    return new StreamSubject(this, rank, change, this.#given.get(rank));
  }

  /** The newest rank whose object was created no later than this second, or -1. Only where the list is ordered. */
  newestRankAt(second: number): number {
    return firstRankFrom((rank) => this.createdAt(rank), this.size(), second + 1) - 1;
  }

  changeOf(rank: number): Change | undefined {
    return this.#changes.get(rank);
  }

  /** Whether there is no room for so many more: ids that are well-known names run out. */
  isFull(more: number): boolean {
    return this.size() + more > this.#sizeMax;
  }

  /**
   * Adds one object, created now, and returns its rank.
   *
   * @param given values of some of its fields
   */
  create(given?: Given): number {
    const now = this.#clock.nowS();
    const newest = this.size() === 0 || !this.ordered ? now : this.createdAt(this.size() - 1);
    this.#added.push(Math.max(now, newest));
    const rank = this.size() - 1;
    if (given) this.#given.set(rank, given);
    return rank;
  }

  /** Changes an object and returns what it was before and is now. */
  update(rank: number): { before: Change | undefined; after: Change } {
    return this.#change(rank, {});
  }

  /** Ends a subscription, which stays in existence: Stripe deletes none. */
  cancel(rank: number): { before: Change | undefined; after: Change } {
    return this.#change(rank, { canceledAt: this.#clock.nowS() });
  }

  #change(rank: number, extra: Partial<Change>): { before: Change | undefined; after: Change } {
    const before = this.#changes.get(rank);
    const after = { ...before, version: (before?.version ?? 0) + 1, at: this.#clock.nowS(), ...extra };
    this.#changes.set(rank, after);
    return { before, after };
  }

  delete(rank: number): void {
    this.#deleted.add(rank);
    this.#given.delete(rank);
  }

  deletedIds(): string[] {
    return [...this.#deleted].map((rank) => this.idAt(rank));
  }

  /** Some existing object, chosen by a hash; undefined where there is none. */
  someRank(hash: number): number | undefined {
    const size = this.size();
    for (let i = 0; i < 64 && size > 0; i++) {
      const rank = mix(hash, i) % size;
      if (this.isLive(rank)) return rank;
    }
    const first = this.liveUpFrom(0);
    return first < size ? first : undefined;
  }
}

/** Makes its id and time only when they are asked for: a filter looks at one field of a great many objects. */
class StreamSubject implements Subject {
  readonly index: number;
  readonly change: Change | undefined;
  readonly given: Given | undefined;
  readonly parentId = undefined;
  readonly #stream: Stream;
  #id: string | undefined;
  #created: number | undefined;

  constructor(stream: Stream, index: number, change: Change | undefined, given: Given | undefined) {
    this.#stream = stream;
    this.index = index;
    this.change = change;
    this.given = given;
  }

  get id(): string {
    this.#id ??= this.#stream.idAt(this.index);
    return this.#id;
  }

  get created(): number {
    this.#created ??= this.#stream.createdAt(this.index);
    return this.#created;
  }
}

function coprimeStep(count: number, seed: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let step = 1 + (mix(seed, count) % Math.max(1, Math.min(count, 1_000_003)));
  while (count > 1 && gcd(step, count) !== 1) step++;
  return step;
}
