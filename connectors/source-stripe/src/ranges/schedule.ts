import { RANGES_MAX } from './range.ts';
import { objectsLeft, type Reading, type ReadingRange, splitPoint } from './reading.ts';

/** What the choice knows of one stream. */
export interface Candidate {
  readonly reading: Reading;
  /** Objects a page. */
  readonly pageSize: number;
  /** The list can be filtered by time, and nothing else forbids to read it in parts. */
  readonly canSplit: boolean;
  /** The limit of its backfill is reached: only what came since an earlier run is read. */
  readonly isHeld: boolean;
  /** It waits for others before it is read beyond its first page. */
  readonly isQueued: boolean;
}

/** Requests that may be under way, and that are. */
export interface Slots {
  readonly inFlight: number;
  readonly max: number;
}

/** What to do with a slot. `at` is the first second of the newer part; the older one is to be asked for. */
export type Choice =
  | { readonly kind: 'ask'; readonly stream: number; readonly key: number }
  | { readonly kind: 'split'; readonly stream: number; readonly key: number; readonly at: number };

/**
 * A split costs half a request on average, for the page at its end that is not full. It is worth that only where it takes
 * the place of at least so many pages.
 */
const SPLIT_PAGES_MIN = 2;
/**
 * The part of the slots in which streams that can't be split come first, since their pages have to be read one after the
 * other. The rest is for whoever got least, so that a small stream never waits for a big one.
 */
const SEQUENCE_SHARE = 0.75;

function isReady(range: ReadingRange, { isHeld }: Candidate): boolean {
  return !range.isAsked && (!isHeld || range.isNews === true);
}

/**
 * What to fetch next: the first page of a stream before the second one of any; then, in a part of the slots, what can only be
 * read in sequence; then the stream that got least so far; and only when nothing is ready a part of the range with most left.
 *
 * @returns undefined when there is nothing to do until a page comes
 */
export function chooseNext(candidates: readonly Candidate[], slots: Slots): Choice | undefined {
  if (slots.inFlight >= slots.max) return undefined;
  const sequences = candidates.filter(({ canSplit }) => !canSplit);
  const underWay = sequences.reduce((sum, { reading }) => sum + reading.ranges.filter((r) => r.isAsked).length, 0);
  const first = chooseReady(candidates, (one) => one.reading.pagesAsked === 0);
  if (first !== undefined) return first;
  const sequence =
    underWay + 1 <= slots.max * SEQUENCE_SHARE ? chooseReady(candidates, (one) => !one.canSplit) : undefined;
  return sequence ?? chooseReady(candidates, () => true) ?? chooseSplit(candidates);
}

/** Of those that are asked for and ready, the stream that got least. */
function chooseReady(
  candidates: readonly Candidate[],
  isAskedFor: (candidate: Candidate) => boolean,
): Choice | undefined {
  let best: Choice | undefined;
  let leastServed = Number.POSITIVE_INFINITY;
  for (const [stream, candidate] of candidates.entries()) {
    const { pagesAsked, ranges } = candidate.reading;
    if (pagesAsked >= leastServed || !isAskedFor(candidate) || (pagesAsked > 0 && candidate.isQueued)) continue;
    const range = ranges.find((one) => isReady(one, candidate));
    if (range === undefined) continue;
    leastServed = pagesAsked;
    best = { kind: 'ask', stream, key: range.key };
  }
  return best;
}

function chooseSplit(candidates: readonly Candidate[]): Choice | undefined {
  let best: Choice | undefined;
  let mostLeft = 0;
  for (const [stream, candidate] of candidates.entries()) {
    const { reading, pageSize, canSplit, isHeld, isQueued } = candidate;
    if (!canSplit || !reading.isOrdered || isQueued || reading.ranges.length >= RANGES_MAX) continue;
    for (const range of reading.ranges) {
      if (isHeld && range.isNews !== true) continue;
      const left = objectsLeft(reading, range, pageSize);
      if (left < SPLIT_PAGES_MIN * pageSize || left <= mostLeft) continue;
      const at = splitPoint(reading, range, pageSize);
      if (at === undefined) continue;
      mostLeft = left;
      best = { kind: 'split', stream, key: range.key, at };
    }
  }
  return best;
}
