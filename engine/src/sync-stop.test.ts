import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EofPayload } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, startPenstock } from './launch/testing/penstock.ts';
import { childrenOf, stalledSync } from './launch/testing/stalled-sync.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-sync-stop-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const records = 300;

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

async function expectNothingLeft(children: readonly number[]): Promise<void> {
  expect(children.filter(isAlive)).toEqual([]);
  expect((await readdir(folder)).filter((name) => name.startsWith('penstock-run-'))).toEqual([]);
}

/** Runs once more: of every id there is one then. @returns what the run said last */
async function moveTheRest(file: string, out: string): Promise<EofPayload> {
  const next = await callPenstock(['sync', '-c', file, '--json']);
  expect([next.exitCode, next.eof?.reason, next.stderr]).toEqual([0, 'complete', '']);
  const ids = (await readFile(out, 'utf8')).trim().split('\n');
  expect([ids.length, new Set(ids).size]).toEqual([records, records]);
  return next.eof!;
}

describe('penstock sync that is stopped', () => {
  it.each([
    ['source', 'spec', 'SIGTERM'],
    ['destination', 'spec', 'SIGINT'],
    ['source', 'discover', 'SIGINT'],
    ['source', 'discover', 'SIGTERM'],
    ['source', 'read', 'SIGTERM'],
    ['source', 'read', 'SIGINT'],
  ] as const)(
    'while the %s has been asked to %s, by %s, ends with 10, leaves nothing behind and moves all the next time',
    async (side, command, signal) => {
      const { process, children, file, out, goOn } = await stalledSync(folder, side, command, records);
      process.child.kill(signal);
      const run = await process.done;
      expect(run.exitCode).toBe(10);
      expect(run.eof).toMatchObject({ status: 'started', has_more: true, reason: 'aborted' });
      expect(run.stderr).toContain(`${signal}: stopping`);
      await expectNothingLeft(children);
      expect(existsSync(out)).toBe(false);
      await goOn();
      const { ending_state } = await moveTheRest(file, out);
      // By then the run has begun, and is the one that goes on.
      if (command === 'read') expect(ending_state.sync_run.run_id).toBe(run.eof!.ending_state.sync_run.run_id);
    },
  );

  it('in the middle of the records leaves nothing behind, and the next run moves the rest and nothing twice', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: records }, page: 10, delay_ms: 200 });
    const { child, stdout, done } = startPenstock(['sync', '-c', file, '--json'], { TMPDIR: folder });
    await expect.poll(() => stdout().includes('source_state')).toBe(true);
    const children = await childrenOf(child.pid!);
    expect(children).toHaveLength(2);
    child.kill('SIGINT');
    const run = await done;
    expect([run.exitCode, run.eof?.has_more, run.eof?.reason]).toEqual([10, true, 'aborted']);
    await expectNothingLeft(children);
    await fakePipeline(folder, { streams: { a: records } });
    await moveTheRest(file, out);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s after the last message of the source lets the destination write all, and is done',
    async (signal) => {
      const stalled = await stalledSync(folder, 'destination', 'write', records);
      const { process, children, file, out, goOn } = stalled;
      await stalled.whenSourceEnded();
      process.child.kill(signal);
      await expect.poll(process.stderr).toContain(`${signal}: stopping`);
      expect(children.some(isAlive)).toBe(true);
      await goOn();
      const run = await process.done;
      expect(run.exitCode).toBe(0);
      expect(run.eof).toMatchObject({ status: 'succeeded', has_more: false, reason: 'complete' });
      expect(run.eof!.ending_state.source.streams).toEqual({ a: { next: records } });
      await expectNothingLeft(children);
      await moveTheRest(file, out);
    },
  );
});
