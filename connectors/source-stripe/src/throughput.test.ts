import { expect, test } from 'vitest';
import { THROUGHPUT_MS, Throughput } from './throughput.ts';

test('what was sent counts in its time, and what was refused does not', () => {
  const throughput = new Throughput();
  for (let at = 0; at < 1000; at += 20) throughput.sent(at);
  expect(throughput.passed(0, 1000)).toBe(50);
  expect(throughput.passed(500, 1000)).toBe(25);
  throughput.takeBack(600);
  throughput.takeBack(100);
  expect(throughput.passed(500, 1000)).toBe(24);
});

test('what is older than can be remembered is gone, and a refusal of it changes nothing', () => {
  const throughput = new Throughput();
  throughput.sent(100);
  throughput.sent(THROUGHPUT_MS + 200);
  throughput.takeBack(100);
  expect(throughput.passed(0, THROUGHPUT_MS + 200)).toBe(1);
  throughput.sent(1_000_000_000);
  expect(throughput.passed(0, 1_000_000_000)).toBe(1);
});
