import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakePipeline } from './launch/testing/penstock.ts';
import { runSync } from './run-pipeline.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-run-pipeline-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a pipeline that is run by a program', () => {
  it('fails when the source has said nothing within the time that is given', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 1 } });
    // No program starts as fast as that.
    const { exitCode, error } = await runSync(file, { startTimeoutMs: 1 });
    expect([exitCode, error?.code, error?.message]).toEqual([30, 'timed_out', expect.stringContaining('0.001 s')]);
  });

  it('says who is waited for after the time that is given', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 4 }, page: 2, delay_ms: 1500 });
    const logs: string[] = [];
    const { exitCode } = await runSync(file, {
      stallTimeoutMs: 300,
      onMessage: (message) => {
        if (message.type === 'log') logs.push(message.log.message);
        return undefined;
      },
    });
    expect(exitCode).toBe(0);
    expect(logs).toContainEqual(expect.stringMatching(/^No message from .* for 0\.\d s\.$/));
  });
});
