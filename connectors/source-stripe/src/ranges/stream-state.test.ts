import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Range, StreamState } from './range.ts';
import { instantOf, readStreamState, secondOf, streamStateSchema, writeStreamState } from './stream-state.ts';

const time = fc.integer({ min: 0, max: 4_000_000_000 });
const window = fc.tuple(time, time).map(([a, b]) => ({ gte: Math.min(a, b), lt: Math.max(a, b) }));
const cursor = fc.option(fc.record({ after: fc.string({ minLength: 1 }), seen: time }, { requiredKeys: ['after'] }), {
  nil: undefined,
});
const range = fc.tuple(window, fc.constantFrom('', 'active=true'), cursor, fc.boolean()).map(
  ([bounds, query, at, isNews]): Range => ({
    ...bounds,
    lt: bounds.lt + 1,
    query,
    ...(at === undefined ? {} : { cursor: at }),
    ...(isNews ? { isNews: true as const } : {}),
  }),
);
const state: fc.Arbitrary<StreamState> = fc.record({
  accounted: window,
  queries: fc.constantFrom([''], ['active=true', 'active=false']),
  remaining: fc.array(range, { maxLength: 5 }),
  backfilled: fc.nat(),
});

it('comes back from the wire as it was', () => {
  fc.assert(
    fc.property(state, (value) => {
      const text = JSON.stringify(writeStreamState(value));
      expect(readStreamState(JSON.parse(text))).toEqual(value);
    }),
  );
});

it('is a copy: what was written does not move on with the state', () => {
  const before: StreamState = {
    accounted: { gte: 1, lt: 9 },
    queries: [''],
    remaining: [{ gte: 1, lt: 9, query: '' }],
    backfilled: 0,
  };
  const written = writeStreamState(before);
  const text = JSON.stringify(written);
  (before.remaining as Range[]).length = 0;
  expect(JSON.stringify(written)).toBe(text);
});

it('takes bounds with fractions as the next second, and writes whole ones', () => {
  expect(secondOf('2026-01-01T00:00:00.001Z')).toBe(secondOf('2026-01-01T00:00:01Z'));
  expect(instantOf(secondOf('2026-01-01T00:00:00.500Z'))).toBe('2026-01-01T00:00:01Z');
});

it.each([
  ['an earlier shape', { backfill: {} }],
  ['bounds that are no times', { accounted_range: { gte: 'a', lt: 'b' }, remaining: [] }],
  ['bounds that are backwards', { accounted_range: { gte: instantOf(9), lt: instantOf(1) }, remaining: [] }],
  ['no list', { accounted_range: { gte: instantOf(1), lt: instantOf(9) } }],
])('refuses %s', (_, data) => {
  expect(streamStateSchema.safeParse(data).success).toBe(false);
});
