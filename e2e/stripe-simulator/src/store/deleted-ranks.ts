/**
 * Ranks of deleted objects. Besides asking for one, a whole run of them can be stepped over at once, however long it is:
 * each rank knows one beyond it that may exist, and these links are shortened whenever they are followed (union-find).
 */
export class DeletedRanks {
  readonly #ranks = new Set<number>();
  readonly #down = new Map<number, number>();
  readonly #up = new Map<number, number>();

  get size(): number {
    return this.#ranks.size;
  }

  has(rank: number): boolean {
    return this.#ranks.has(rank);
  }

  add(rank: number): void {
    if (this.#ranks.has(rank)) return;
    this.#ranks.add(rank);
    this.#down.set(rank, rank - 1);
    this.#up.set(rank, rank + 1);
  }

  /** The highest rank up to this one that isn't deleted; -1 where there is none. */
  downFrom(rank: number): number {
    return follow(this.#down, rank);
  }

  /** The lowest rank from this one on that isn't deleted; it may lie past the end of the list. */
  upFrom(rank: number): number {
    return follow(this.#up, rank);
  }

  [Symbol.iterator](): Iterator<number> {
    return this.#ranks.values();
  }
}

function follow(links: Map<number, number>, from: number): number {
  let end = from;
  for (let next = links.get(end); next !== undefined; next = links.get(end)) end = next;
  for (let at = from; at !== end; ) {
    const next = links.get(at) as number;
    links.set(at, end);
    at = next;
  }
  return end;
}
