import { keyState, type PageEnd, stepAfterPage } from '../ranges/advance.ts';
import { unreadState, type Window } from '../ranges/range.ts';
import { askPage, landPage, type Reading, type ReadingRange, splitRange, startReading } from '../ranges/reading.ts';
import { type Candidate, chooseNext } from '../ranges/schedule.ts';

/** A list of the simulation. */
export interface SimulatedList {
  /** When each object was created, oldest first. */
  readonly created: readonly number[];
  readonly window: Window;
  readonly pageSize: number;
  readonly canSplit: boolean;
}

/** How the requests of a simulation go. */
export interface SimulatedLink {
  readonly requestsPerSecond: number;
  readonly latencyMs: () => number;
  readonly slots: number;
}

/** What a simulation came to. */
export interface SimulatedRun {
  readonly requests: number;
  readonly emptyPages: number;
  readonly wallMs: number;
  readonly rangesMax: number;
  /** Objects of each list that came in some page. */
  readonly read: readonly ReadonlySet<number>[];
}

interface UnderWay {
  readonly at: number;
  readonly stream: number;
  readonly asked: ReadingRange;
}

/** Tokens that may pile up, in seconds' worth. */
const BURST_S = 0.1;

function lowerBound(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The answer to a request: ids are the objects' numbers. */
function pageOf(list: SimulatedList, range: ReadingRange, read: Set<number>): PageEnd {
  const { created, pageSize } = list;
  const after = range.cursor === undefined ? Number.POSITIVE_INFINITY : Number(range.cursor.after);
  const high = Math.min(lowerBound(created, range.lt), after);
  const low = lowerBound(created, range.gte);
  const from = Math.max(low, high - pageSize);
  for (let i = from; i < high; i++) read.add(i);
  const count = Math.max(0, high - from);
  if (count === 0) return { count, hasMore: false };
  const ends = { newest: created[high - 1] as number, oldest: created[from] as number };
  return { count, hasMore: from > low, next: String(from), ...ends };
}

/** Reads lists by the schedule, in simulated time: no sockets, no clock, the same result for the same input. */
export function simulateSchedule(lists: readonly SimulatedList[], link: SimulatedLink): SimulatedRun {
  const readings: Reading[] = lists.map(({ window }) => startReading(keyState(unreadState(window, ['']))));
  const read = lists.map(() => new Set<number>());
  const underWay: UnderWay[] = [];
  const capacity = Math.max(1, link.requestsPerSecond * BURST_S);
  let tokens = capacity;
  let nowMs = 0;
  let requests = 0;
  let emptyPages = 0;
  let rangesMax = 0;
  const advance = (toMs: number): void => {
    tokens = Math.min(capacity, tokens + ((toMs - nowMs) / 1000) * link.requestsPerSecond);
    nowMs = toMs;
  };
  const candidates = (): Candidate[] =>
    lists.map((list, i) => ({
      reading: readings[i] as Reading,
      pageSize: list.pageSize,
      canSplit: list.canSplit,
      isHeld: false,
      isQueued: false,
    }));
  for (;;) {
    const choice = chooseNext(candidates(), { inFlight: underWay.length, max: link.slots });
    underWay.sort((a, b) => a.at - b.at);
    const [next] = underWay;
    const tokenAt = tokens >= 1 ? nowMs : nowMs + ((1 - tokens) / link.requestsPerSecond) * 1000;
    if (choice !== undefined && (next === undefined || tokenAt <= next.at)) {
      if (tokenAt > nowMs) {
        advance(tokenAt);
        continue;
      }
      tokens -= 1;
      requests++;
      let reading = readings[choice.stream] as Reading;
      let key = choice.key;
      if (choice.kind === 'split') {
        key = reading.nextKey;
        reading = splitRange(reading, choice.key, choice.at);
      }
      reading = askPage(reading, key);
      readings[choice.stream] = reading;
      rangesMax = Math.max(rangesMax, reading.ranges.length);
      const asked = reading.ranges.find((range) => range.key === key) as ReadingRange;
      underWay.push({ at: nowMs + link.latencyMs(), stream: choice.stream, asked });
      continue;
    }
    if (next === undefined) break;
    underWay.shift();
    advance(Math.max(nowMs, next.at));
    const list = lists[next.stream] as SimulatedList;
    const page = pageOf(list, next.asked, read[next.stream] as Set<number>);
    if (page.count === 0) emptyPages++;
    const reading = readings[next.stream] as Reading;
    readings[next.stream] = landPage(reading, next.asked, page, stepAfterPage(next.asked, page));
  }
  return { requests, emptyPages, wallMs: nowMs, rangesMax, read };
}
