import type { TextWriter } from '../text-writer.ts';
import type { Listing } from './listing.ts';
import type { Stream } from './stream.ts';

const none = -1;

/**
 * Which objects of a list name which parent. Made when it is first asked for, by one look at every object (a second or
 * two for a million), since looking through all of them again for each parent would take hours.
 */
export class PartIndex {
  readonly #stream: Stream;
  readonly #parents: Stream;
  readonly #field: string;
  /** By the parent's rank: the newest of its objects. */
  readonly #newest = new Map<number, number>();
  /** By the object's rank: the next older one of the same parent. */
  readonly #older: number[] = [];

  /** @param field of the list's objects that holds the id of the parent, which no update changes */
  constructor(of: { stream: Stream; parents: Stream; field: string }) {
    this.#stream = of.stream;
    this.#parents = of.parents;
    this.#field = of.field;
  }

  /** The part of the list that belongs to one parent. */
  listOf(parentRank: number): Listing {
    this.#readNew();
    const ranks: number[] = [];
    for (let rank = this.#newest.get(parentRank) ?? none; rank !== none; rank = this.#older[rank] as number) {
      ranks.push(rank);
    }
    return new PartList(this.#stream, ranks.reverse());
  }

  #readNew(): void {
    for (let rank = this.#older.length; rank < this.#stream.size(); rank++) {
      // A string or null; ids have only characters that JSON writes as they are.
      const text = this.#stream.field(rank, this.#field);
      const parentRank = text?.startsWith('"') ? this.#parents.rankOf(text.slice(1, -1)) : undefined;
      this.#older.push((parentRank === undefined ? undefined : this.#newest.get(parentRank)) ?? none);
      if (parentRank !== undefined) this.#newest.set(parentRank, rank);
    }
  }
}

/** Some objects of a list, as a list of their own. */
class PartList implements Listing {
  readonly ordered: boolean;
  readonly #stream: Stream;
  /** Ranks in the whole list, from the oldest up. */
  readonly #ranks: readonly number[];

  constructor(stream: Stream, ranks: readonly number[]) {
    this.ordered = stream.ordered;
    this.#stream = stream;
    this.#ranks = ranks;
  }

  size(): number {
    return this.#ranks.length;
  }

  floor(): number {
    return 0;
  }

  liveCount(): number {
    return this.#ranks.filter((rank) => this.#stream.isLive(rank)).length;
  }

  isLive(rank: number): boolean {
    return this.#stream.isLive(this.#at(rank));
  }

  liveDownFrom(rank: number): number {
    let at = rank;
    while (at >= 0 && !this.isLive(at)) at--;
    return at;
  }

  liveUpFrom(rank: number): number {
    let at = rank;
    while (at < this.#ranks.length && !this.isLive(at)) at++;
    return at;
  }

  createdAt(rank: number): number {
    return this.#stream.createdAt(this.#at(rank));
  }

  idAt(rank: number): string {
    return this.#stream.idAt(this.#at(rank));
  }

  rankOf(id: string): number | undefined {
    const whole = this.#stream.rankOf(id);
    const rank = whole === undefined ? -1 : this.#ranks.indexOf(whole);
    return rank < 0 ? undefined : rank;
  }

  write(rank: number, out: TextWriter): void {
    this.#stream.write(this.#at(rank), out);
  }

  field(rank: number, name: string): string | undefined {
    return this.#stream.field(this.#at(rank), name);
  }

  #at(rank: number): number {
    return this.#ranks[rank] as number;
  }
}
