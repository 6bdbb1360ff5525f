import { isDeepStrictEqual } from 'node:util';
import { formatTimestamp, parseTimestamp, type TimeRange, timeRangeSchema, timestampSchema } from '@penstock/protocol';
import * as z from 'zod';
import type { Range, StreamState, Window } from './range.ts';

const rangeSchema = z.object({
  gte: timestampSchema,
  lt: timestampSchema,
  cursor: z.string().nullable().meta({ description: 'id of the last object read, or token of the next page' }),
  seen: timestampSchema.optional().meta({ description: 'when the object under the cursor was created' }),
  query: z.string().optional().meta({ description: "which of the stream's queries lists this" }),
  news: z.boolean().optional().meta({ description: 'time that went by since an earlier run' }),
});

/** State of one stream on the wire. `remaining: []` is done. */
export const streamStateSchema = z.object({
  accounted_range: timeRangeSchema.meta({ description: 'what `remaining` is the rest of' }),
  queries: z.array(z.string()).default(['']).meta({ description: 'which queries `accounted_range` was read with' }),
  remaining: z.array(rangeSchema),
  listed_from: timestampSchema.optional().meta({ description: 'when the pass over the whole list began' }),
  backfilled: z.int().nonnegative().default(0).meta({ description: 'records read so far, for `backfill_limit`' }),
});

/** State of one stream on the wire, as it is written. */
export type StreamStateData = z.input<typeof streamStateSchema>;

/**
 * The whole second at or after an instant. Stripe's times have no fraction, so nothing lies between the two and a bound,
 * upper or lower, keeps its meaning.
 */
export function secondOf(instant: string): number {
  return Math.ceil(parseTimestamp(instant) / 1000);
}

/** A second as ISO 8601. */
export function instantOf(second: number): string {
  return formatTimestamp(second * 1000);
}

/** A window on the wire. */
export function timeRangeOf(window: Window): TimeRange {
  return { gte: instantOf(window.gte), lt: instantOf(window.lt) };
}

/** Of the many ranges of a state, one is another after a page; writing times takes long. */
const written = new WeakMap<Range, z.input<typeof rangeSchema>>();

function writeRange(range: Range): z.input<typeof rangeSchema> {
  let data = written.get(range);
  if (data === undefined) {
    data = Object.freeze({
      ...timeRangeOf(range),
      cursor: range.cursor?.after ?? null,
      ...(range.cursor?.seen === undefined ? {} : { seen: instantOf(range.cursor.seen) }),
      ...(range.query === '' ? {} : { query: range.query }),
      ...(range.isNews ? { news: true } : {}),
    });
    written.set(range, data);
  }
  return data;
}

/** @returns a copy: later changes of the state can't reach what was emitted */
export function writeStreamState(state: StreamState): StreamStateData {
  return {
    accounted_range: timeRangeOf(state.accounted),
    ...(isDeepStrictEqual(state.queries, ['']) ? {} : { queries: [...state.queries] }),
    remaining: state.remaining.map(writeRange),
    ...(state.listedFrom === undefined ? {} : { listed_from: instantOf(state.listedFrom) }),
    backfilled: state.backfilled,
  };
}

function readRange(range: z.output<typeof rangeSchema>): Range {
  const seen = range.seen === undefined ? {} : { seen: secondOf(range.seen) };
  return {
    gte: secondOf(range.gte),
    lt: secondOf(range.lt),
    query: range.query ?? '',
    ...(range.cursor === null ? {} : { cursor: { after: range.cursor, ...seen } }),
    ...(range.news ? { isNews: true } : {}),
  };
}

/** @throws ZodError when the data is no state of a stream */
export function readStreamState(data: unknown): StreamState {
  const state = streamStateSchema.parse(data);
  return {
    accounted: { gte: secondOf(state.accounted_range.gte), lt: secondOf(state.accounted_range.lt) },
    queries: state.queries,
    remaining: state.remaining.map(readRange).filter((range) => range.gte < range.lt),
    backfilled: state.backfilled,
    ...(state.listed_from === undefined ? {} : { listedFrom: secondOf(state.listed_from) }),
  };
}
