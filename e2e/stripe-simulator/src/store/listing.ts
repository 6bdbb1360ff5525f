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
  /** Whether the object at this rank still exists. */
  isLive(rank: number): boolean;
  /** Seconds since the epoch; never falls as the rank rises, where `ordered` says so. */
  createdAt(rank: number): number;
  /** Whether ranks are in the order of `created`. */
  ordered: boolean;
  idAt(rank: number): string;
  /** The rank of the object with this id, or undefined where there is none, or no more. */
  rankOf(id: string): number | undefined;
  /** The object as JSON text on one line. */
  render(rank: number): string;
  /** JSON text of one of its top-level fields. */
  field(rank: number, name: string): string | undefined;
};

/** Ranks of the objects that exist, in the order of the list (newest first where it is ordered). */
export function* liveRanks(listing: Listing): Generator<number> {
  const [floor, size] = [listing.floor(), listing.size()];
  for (let i = floor; i < size; i++) {
    const rank = listing.ordered ? size - 1 - (i - floor) : i;
    if (listing.isLive(rank)) yield rank;
  }
}
