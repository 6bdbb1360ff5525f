import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KillTimer } from './kill-timer.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it.each([
  [[1000], 1000],
  [[1000, 300], 300],
  [[300, 1000], 300],
])('graces of %j ms end after %d', (graces, endMs) => {
  const kill = vi.fn();
  const timer = new KillTimer(kill);
  for (const graceMs of graces) timer.limit(graceMs);
  vi.advanceTimersByTime(endMs - 1);
  expect(kill).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(kill).toHaveBeenCalledOnce();
});

it('kills nobody who has ended', () => {
  const kill = vi.fn();
  const timer = new KillTimer(kill);
  timer.limit(10);
  timer.clear();
  vi.advanceTimersByTime(20);
  expect(kill).not.toHaveBeenCalled();
});
