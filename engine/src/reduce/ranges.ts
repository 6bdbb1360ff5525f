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
 * already don't count, because something older is missing.
 *
 * @returns undefined when nothing can be promised
 */
export function syncedThrough(
  progress: Pick<StreamProgress, 'status' | 'total_range' | 'completed_ranges'>,
): string | undefined {
  const { status, total_range: total, completed_ranges: completed = [] } = progress;
  if (status === 'completed') {
    const end = total?.lt ?? completed.at(-1)?.lt;
    return end === undefined ? undefined : formatTimestamp(parseTimestamp(end));
  }
  if (total === undefined) return undefined;
  const start = parseTimestamp(total.gte);
  const first = completed.find((range) => parseTimestamp(range.gte) <= start && start < parseTimestamp(range.lt));
  if (first === undefined) return undefined;
  return formatTimestamp(Math.min(parseTimestamp(first.lt), parseTimestamp(total.lt)));
}
