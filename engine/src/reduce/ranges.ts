import { formatTimestamp, mergeRanges, parseTimestamp, type StreamProgress, type TimeRange } from '@penstock/protocol';

/**
 * The ranges and one more, coalesced. Gives back the same array when the new range adds nothing, so that a replay can be
 * told by identity. There may be hundreds, and one more for each page that is read: only those that it touches are looked at.
 *
 * @param ranges coalesced
 */
export function addRange(ranges: readonly TimeRange[], added: TimeRange): TimeRange[] {
  const gte = parseTimestamp(added.gte);
  const lt = parseTimestamp(added.lt);
  if (gte >= lt) return ranges as TimeRange[];
  const from = indexOfFirst(ranges, (range) => parseTimestamp(range.lt) >= gte);
  const to = indexOfFirst(ranges, (range) => parseTimestamp(range.gte) > lt);
  const touched = ranges.slice(from, to);
  const isKnown = touched.some((range) => parseTimestamp(range.gte) <= gte && lt <= parseTimestamp(range.lt));
  return isKnown
    ? (ranges as TimeRange[])
    : [...ranges.slice(0, from), ...mergeRanges([...touched, added]), ...ranges.slice(to)];
}

/** By halves. @param isThere false for the ranges up to some point, true from there on. @returns their number when it never is */
function indexOfFirst(ranges: readonly TimeRange[], isThere: (range: TimeRange) => boolean): number {
  let [from, to] = [0, ranges.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (isThere(ranges[middle]!)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * Up to which time the stream is complete, as ISO text.
 *
 * A completed stream is so up to the end of its range (or of the last range that it reported, when it named none). One
 * that is still going is so up to the first gap, counted from the start of its range: newer ranges that are complete
 * already don't count, because something older is missing. Where no gap is before the end of its range, either goes on
 * through the ranges beyond it: a source that stays and reads what comes reports those.
 *
 * @returns undefined when nothing can be promised
 */
export function syncedThrough(
  progress: Pick<StreamProgress, 'status' | 'total_range' | 'completed_ranges'>,
): string | undefined {
  const { status, total_range: total, completed_ranges: completed = [] } = progress;
  if (total === undefined) {
    const last = status === 'completed' ? completed.at(-1) : undefined;
    return last === undefined ? undefined : formatTimestamp(parseTimestamp(last.lt));
  }
  const end = parseTimestamp(total.lt);
  if (status === 'completed') return formatTimestamp(endOfRangeAt(completed, end) ?? end);
  // A range that ends where this one begins says nothing about it.
  const start = parseTimestamp(total.gte);
  const through = endOfRangeAt(completed, start);
  return through === undefined || through === start ? undefined : formatTimestamp(through);
}

/** The end of the range that holds the instant, or ends there. @param ranges coalesced @param at milliseconds since 1970 */
function endOfRangeAt(ranges: readonly TimeRange[], at: number): number | undefined {
  const found = ranges[indexOfFirst(ranges, (range) => parseTimestamp(range.gte) > at) - 1];
  const end = found === undefined ? undefined : parseTimestamp(found.lt);
  return end === undefined || end < at ? undefined : end;
}
