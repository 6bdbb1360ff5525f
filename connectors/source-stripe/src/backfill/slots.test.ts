import { expect, it } from 'vitest';
import { SLOTS_MAX, slotsFor } from './slots.ts';

it.each([
  [20, 50, 3],
  [100, 50, 8],
  [100, 500, SLOTS_MAX],
  [1, 1, 2],
  [100_000, 10, SLOTS_MAX],
  [20, undefined, 6],
])('%d requests a second of %s ms need %d at once', (rate, latencyMs, slots) => {
  expect(slotsFor(rate, latencyMs)).toBe(slots);
});
