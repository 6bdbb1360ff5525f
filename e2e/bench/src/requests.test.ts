import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'requests.ts');

test('gives the figures of a case for each rule', async () => {
  const args = ['--distribution', 'uniform', '--objects', '300', '--rate', '100'];
  const { stdout } = await run(process.execPath, [program, ...args]);
  const figures = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(figures).toHaveLength(2);
  const each = { distribution: 'uniform', objects: 300, rate: 100, latency_ms: 50, minimum: 3, too_many_requests: 0 };
  expect(figures).toContainEqual(expect.objectContaining({ rule: 'ours', ...each, peak_rss_mb: expect.any(Number) }));
  expect(figures).toContainEqual(expect.objectContaining({ rule: 'known', ...each, empty_pages: expect.any(Number) }));
  for (const { requests, ratio, wall_ratio } of figures) {
    expect(requests).toBeGreaterThanOrEqual(3);
    expect(ratio).toBeCloseTo(requests / 3, 2);
    expect(wall_ratio).toBeGreaterThan(0);
  }
});

test.each([
  [['--speed', '3'], "Unknown option '--speed'"],
  [['--rule', 'best'], '--rule best: "best" is none of ours, known.'],
  [['--distribution', 'uniform,even'], '"even" is none of uniform,'],
  [['--objects', '2e4'], '--objects 2e4: "2e4" is no whole number from 1 up.'],
  [['--rate', '0'], '"0" is no whole number'],
])('refuses %j with what it knows, and ends with 2', async (args, words) => {
  const failed = await run(process.execPath, [program, ...args]).catch((error) => error);
  expect(failed.code).toBe(2);
  expect(failed.stderr).toContain(words);
  expect(failed.stderr).toContain('Usage: npm run bench:requests');
});
