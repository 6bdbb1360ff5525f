import { expect, test } from 'vitest';
import { Latency } from './latency.ts';

function latencyOf(...samples: readonly number[]): number | undefined {
  const latency = new Latency();
  for (const sample of samples) latency.add(sample);
  return latency.ms;
}

test.each<[readonly number[], number | undefined]>([
  [[], undefined],
  [[120], 120],
  [[900, 100], 100],
  [[900, 100, 120], 120],
  [[100, 100, 100, 60_000, 100], 100],
  [[100, 200, 300, 400], 250],
  [[100, -3_600_000], 100],
])('requests of %j ms take %s ms', (samples, ms) => {
  expect(latencyOf(...samples)).toBe(ms);
});

test('what lies more than 16 requests back no longer shows', () => {
  expect(latencyOf(...new Array<number>(50).fill(2000), ...new Array<number>(16).fill(80))).toBe(80);
});

test('takes what grows far beyond the least for waiting in line', () => {
  const latency = new Latency();
  for (let i = 0; i < 20; i++) latency.add(50);
  for (let i = 0; i < 20; i++) latency.add(120);
  expect(latency.ms).toBe(120);
  for (let i = 0; i < 20; i++) latency.add(900);
  expect(latency.ms).toBe(150);
  for (let i = 0; i < 256; i++) latency.add(900);
  expect(latency.ms).toBe(900);
});
