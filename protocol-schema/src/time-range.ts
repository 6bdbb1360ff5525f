/**
 * Time ranges `{gte, lt}`: inclusive, exclusive, ISO 8601 in UTC on the wire. Arithmetic is done in milliseconds since
 * 1970, never on strings: two spellings of the same instant sort differently as text. What is finer than a millisecond
 * is cut off.
 */
import * as z from 'zod';

/**
 * An instant on the wire: ISO 8601 in UTC with seconds, any precision: `2026-01-31T12:00:00Z`. `+00:00` is understood too,
 * since common libraries write UTC like that; any other offset is refused.
 */
export const timestampSchema = z.iso
  .datetime({ offset: true, error: 'expected a time in UTC like 2026-01-31T12:00:00Z' })
  .regex(/(?:Z|\+00:00)$/, { error: 'expected a time in UTC like 2026-01-31T12:00:00Z' })
  .meta({ format: 'date-time', description: 'ISO 8601 in UTC, for example 2026-01-31T12:00:00Z.' });

/** A range with both bounds, not backwards. It may be empty (`gte` = `lt`): see {@link isEmptyRange}. */
export const timeRangeSchema = z
  .object({ gte: timestampSchema.describe('Inclusive.'), lt: timestampSchema.describe('Exclusive; not before `gte`.') })
  .refine((range) => Date.parse(range.gte) <= Date.parse(range.lt), { message: 'gte must not be later than lt' })
  .describe('A range of time.');

/** A range of which either bound may be open. */
export const openTimeRangeSchema = z
  .object({
    gte: timestampSchema.optional().describe('Inclusive; open when absent.'),
    lt: timestampSchema.optional().describe('Exclusive, not before `gte`; open when absent.'),
  })
  .refine((r) => r.gte === undefined || r.lt === undefined || Date.parse(r.gte) <= Date.parse(r.lt), {
    message: 'gte must not be later than lt',
  })
  .describe('A range of time; either bound may be open.');

/** A range with both bounds: `gte` inclusive, `lt` exclusive. */
export type TimeRange = z.infer<typeof timeRangeSchema>;
/** A range of which either bound may be open. */
export type OpenTimeRange = z.infer<typeof openTimeRangeSchema>;

/**
 * An instant as its shortest ISO text: no fraction when it is a whole second.
 *
 * @param ms milliseconds since 1970
 * @throws RangeError when it is no instant
 */
export function formatTimestamp(ms: number): string {
  const iso = new Date(ms).toISOString();
  return iso.endsWith('.000Z') ? `${iso.slice(0, -5)}Z` : iso;
}

/** Milliseconds since 1970. @throws RangeError when the text is no instant */
export function parseTimestamp(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new RangeError(`not an ISO 8601 instant: ${text}`);
  return ms;
}

/** Whether nothing lies in the range. */
export function isEmptyRange(range: TimeRange): boolean {
  return parseTimestamp(range.gte) >= parseTimestamp(range.lt);
}

/** The part of `a` that lies in `b`, or undefined when they share nothing. */
export function intersectRanges(a: TimeRange, b: OpenTimeRange): TimeRange | undefined {
  const gte = b.gte === undefined ? parseTimestamp(a.gte) : Math.max(parseTimestamp(a.gte), parseTimestamp(b.gte));
  const lt = b.lt === undefined ? parseTimestamp(a.lt) : Math.min(parseTimestamp(a.lt), parseTimestamp(b.lt));
  return gte < lt ? { gte: formatTimestamp(gte), lt: formatTimestamp(lt) } : undefined;
}

/**
 * The same instants with as few ranges as possible, in order: empty ones dropped, overlapping and adjacent ones joined.
 */
export function mergeRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const sorted = ranges
    .map((range) => ({ gte: parseTimestamp(range.gte), lt: parseTimestamp(range.lt) }))
    .filter((range) => range.gte < range.lt)
    .sort((a, b) => a.gte - b.gte);
  const merged: { gte: number; lt: number }[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.gte <= last.lt) last.lt = Math.max(last.lt, range.lt);
    else merged.push(range);
  }
  return merged.map((range) => ({ gte: formatTimestamp(range.gte), lt: formatTimestamp(range.lt) }));
}

/** What of `range` none of `taken` covers, in order. */
export function subtractRanges(range: TimeRange, taken: readonly TimeRange[]): TimeRange[] {
  const rest: TimeRange[] = [];
  const end = parseTimestamp(range.lt);
  let from = parseTimestamp(range.gte);
  for (const piece of mergeRanges(taken)) {
    const gte = parseTimestamp(piece.gte);
    const lt = parseTimestamp(piece.lt);
    if (lt <= from) continue;
    if (gte >= end) break;
    if (gte > from) rest.push({ gte: formatTimestamp(from), lt: formatTimestamp(gte) });
    from = Math.max(from, lt);
  }
  if (from < end) rest.push({ gte: formatTimestamp(from), lt: formatTimestamp(end) });
  return rest;
}

/** Whether `ranges` together cover all of `range`. */
export function rangesCover(ranges: readonly TimeRange[], range: TimeRange): boolean {
  return subtractRanges(range, ranges).length === 0;
}
