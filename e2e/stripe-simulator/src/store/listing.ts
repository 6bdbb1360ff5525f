import type { TextWriter } from '../text-writer.ts';

/**
 * A sequence of objects that a list endpoint pages through: ranks from the oldest (0) up, without holding the objects.
 */
export type Listing = {
  /** Number of ranks, deleted objects included. */
  size(): number;
  /** Lowest rank that may be served; what has run out (old events) lies below it. */
  floor(): number;
  /** Number of objects that exist. */
  liveCount(): number;
  /** Whether there is an object at this rank: not deleted, and not yet to come. */
  isLive(rank: number): boolean;
  /** The highest rank up to this one whose object exists; -1 where there is none. */
  liveDownFrom(rank: number): number;
  /** The lowest rank from this one on whose object exists; `size()` or more where there is none. */
  liveUpFrom(rank: number): number;
  /** Seconds since the epoch; never falls as the rank rises, where `ordered` says so. */
  createdAt(rank: number): number;
  /** Whether ranks are in the order of `created`. */
  ordered: boolean;
  idAt(rank: number): string;
  /** The rank of the object with this id, or undefined where there is none, or no more. */
  rankOf(id: string): number | undefined;
  /** Writes the object as JSON text on one line. */
  write(rank: number, out: TextWriter): void;
  /** JSON text of one of its top-level fields. */
  field(rank: number, name: string): string | undefined;
};

/** Ranks of the objects that exist, in the order of the list (newest first where it is ordered). */
export function* liveRanks(listing: Listing): Generator<number> {
  const [floor, size] = [listing.floor(), listing.size()];
  if (listing.ordered) yield* ranksDown(listing, size - 1, floor);
  else yield* ranksUp(listing, floor, size);
}

/** Ranks of the objects that exist, from one down to another, both included. */
export function* ranksDown(listing: Listing, from: number, to: number): Generator<number> {
  for (let rank = listing.liveDownFrom(from); rank >= to; rank = listing.liveDownFrom(rank - 1)) yield rank;
}

/** Ranks of the objects that exist, from one up to another, which is not included. */
export function* ranksUp(listing: Listing, from: number, to: number): Generator<number> {
  for (let rank = listing.liveUpFrom(from); rank < to; rank = listing.liveUpFrom(rank + 1)) yield rank;
}
