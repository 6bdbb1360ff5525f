import { intersectRanges, parseTimestamp, type StreamProgress, type TimeRange } from '@penstock/protocol';

/** A cell that is filled from its left by n eighths. */
const FROM_LEFT = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/**
 * A time range as a row of cells, each filled as far as its part of the time is complete. A cell is full only when all of
 * it is complete, and shows something as soon as any of it is.
 *
 * @param completed coalesced and in order
 * @param width cells
 */
export function rangeBar(total: TimeRange, completed: readonly TimeRange[], width: number): string {
  const from = parseTimestamp(total.gte);
  const to = parseTimestamp(total.lt);
  const ranges = completed.map((range) => ({ gte: parseTimestamp(range.gte), lt: parseTimestamp(range.lt) }));
  const edge = (cell: number) => from + ((to - from) * cell) / width;
  let bar = '';
  for (let cell = 0; cell < width; cell++) bar += cellGlyph(ranges, edge(cell), edge(cell + 1));
  return bar;
}

function cellGlyph(ranges: readonly { gte: number; lt: number }[], from: number, to: number): string {
  // A range without length has nothing left to do.
  if (to <= from) return '█';
  let covered = 0;
  let first = to;
  for (const range of ranges) {
    const gte = Math.max(range.gte, from);
    const lt = Math.min(range.lt, to);
    if (gte >= lt) continue;
    covered += lt - gte;
    first = Math.min(first, gte);
  }
  const fraction = covered / (to - from);
  if (fraction === 0) return ' ';
  // Sums of parts may miss the whole by a rounding error.
  if (fraction > 1 - 1e-9) return '█';
  const eighths = Math.min(7, Math.max(1, Math.round(fraction * 8)));
  // There are only two glyphs that are filled from the right.
  if (first > from) return eighths <= 2 ? '▕' : '▐';
  return FROM_LEFT[eighths]!;
}

/** Which part of a stream's range is complete, 0 to 1; undefined without a range. */
export function coveredFraction(stream: Pick<StreamProgress, 'total_range' | 'completed_ranges'>): number | undefined {
  const { total_range: total, completed_ranges: completed = [] } = stream;
  if (total === undefined) return undefined;
  const lengthOf = (range: TimeRange) => parseTimestamp(range.lt) - parseTimestamp(range.gte);
  const whole = lengthOf(total);
  // They are coalesced, so none is counted twice.
  const parts = completed.flatMap((range) => intersectRanges(range, total) ?? []);
  return whole === 0 ? 1 : parts.reduce((sum, part) => sum + lengthOf(part), 0) / whole;
}

/** `3.4%`, `47%`: rounded down, so that 100% means all. @param fraction 0 to 1 */
export function formatPercent(fraction: number): string {
  const percent = fraction * 100;
  return percent < 10 ? `${(Math.floor(percent * 10) / 10).toFixed(1)}%` : `${Math.floor(percent)}%`;
}
