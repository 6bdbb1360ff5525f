import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('gives figures of every way of running', async () => {
  const program = join(import.meta.dirname, 'launch.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--megabytes', '5', '--rounds', '1']);
  const lines = stdout.trim().split('\n');
  const figures = lines.map((line) => JSON.parse(line) as Record<string, unknown> & { case: string; image_mb: number });
  const names = ['process', 'bare-pipe', 'docker', 'docker-pipe', 'pod', 'one-container'];
  expect(figures.map((each) => each.case)).toEqual(names);
  for (const each of figures) {
    for (const key of ['mb_per_second', 'cold_start_ms', 'sync_start_ms'])
      expect({ case: each.case, key, value: each[key] }).toMatchObject({ value: expect.toSatisfy((n) => n > 0) });
  }
  const withoutImages = figures.filter(({ image_mb }) => image_mb === 0).map((each) => each.case);
  expect(withoutImages).toEqual(['process', 'bare-pipe']);
});
