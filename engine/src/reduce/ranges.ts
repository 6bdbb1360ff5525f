import { formatTimestamp, mergeRanges, parseTimestamp, type StreamProgress, type TimeRange } from '@penstock/protocol';

/**
 * The ranges and one more, coalesced. Gives back the same array when the new range adds nothing, so that a replay can be
 * told by identity.
 */
export function addRange(ranges: readonly TimeRange[], added: TimeRange): TimeRange[] {
  const gte = parseTimestamp(added.gte);
  const lt = parseTimestamp(added.lt);
  const known = ranges.some((range) => parseTimestamp(range.gte) <= gte && lt <= parseTimestamp(range.lt));
  return known || gte >= lt ? (ranges as TimeRange[]) : mergeRanges([...ranges, added]);
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
  const found = ranges.findLast((range) => parseTimestamp(range.gte) <= at);
  const end = found === undefined ? undefined : parseTimestamp(found.lt);
  return end === undefined || end < at ? undefined : end;
}
