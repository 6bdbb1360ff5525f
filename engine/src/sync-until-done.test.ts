import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, startPenstock } from './launch/testing/penstock.ts';
import { preparedFake } from './launch/testing/prepared-fake.ts';
import { fileStateStore } from './store/file-state-store.ts';
import { runSync } from './sync.ts';
import { runUntilDone } from './sync-until-done.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-until-done-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function idsIn(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).trim().split('\n');
}

describe('penstock sync --record-limit', () => {
  it('asks the source to stop once so many records were passed on, and the next call moves the rest', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 2000 }, page: 10, delay_ms: 20 });
    const first = await callPenstock(['sync', '-c', file, '--json', '--record-limit', '50']);
    expect(first.exitCode).toBe(10);
    expect(first.eof).toMatchObject({ status: 'started', has_more: true, reason: 'record_limit' });
    const { next } = first.eof!.ending_state.source.streams.a as { next: number };
    expect(next).toBeGreaterThanOrEqual(50);
    expect(next).toBeLessThan(500);
    await fakePipeline(folder, { streams: { a: 2000 } });
    const second = await callPenstock(['sync', '-c', file, '--json']);
    expect([second.exitCode, second.eof!.reason]).toEqual([0, 'complete']);
    expect(new Set(await idsIn(out)).size).toBe(2000);
  });

  it.each(['0', '1.5', '-3'])('refuses %s', async (limit) => {
    const { file } = await fakePipeline(folder, { streams: { a: 1 } });
    const run = await callPenstock(['sync', '-c', file, `--record-limit=${limit}`]);
    expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining('--record-limit')]);
  });
});

describe('penstock sync --until-done', () => {
  it('goes on after a source that crashes, as one run with one catalog and one eof', async () => {
    // It crashes at each checkpoint from the middle on, so that every call brings one page.
    const { file, out } = await fakePipeline(folder, { streams: { a: 40, b: 5 }, page: 10, mode: 'crash' });
    const run = await callPenstock(['sync', '-c', file, '--json', '--until-done']);
    expect([run.exitCode, run.stderr]).toEqual([0, '']);
    const kinds = run.messages.map(({ type }) => type);
    expect(kinds.filter((kind) => kind === 'catalog' || kind === 'eof')).toEqual(['catalog', 'eof']);
    expect(kinds).not.toContain('connection_status');
    expect(run.eof).toMatchObject({
      status: 'succeeded',
      has_more: false,
      reason: 'complete',
      run_progress: { streams: { a: { status: 'completed' }, b: { status: 'completed' } } },
      request_progress: { streams: { a: { status: 'completed', state_count: 4 } } },
    });
    expect(run.stdout).toContain('"retry_in_ms":1000');
    expect(new Set(await idsIn(out)).size).toBe(45);
  });

  it('gives up when state that can be read only now and then is all that changes', async () => {
    const sides = await preparedFake(folder, { streams: { a: 5 }, mode: 'silent_end' });
    const store = fileStateStore(join(folder, 'state.json'));
    // All that there is was brought by a call before.
    const common = { ...sides, store, runId: 'mine', onMessage: () => undefined };
    await runSync(common);
    const open = store.open.bind(store);
    let opened = 0;
    store.open = async (name) => {
      opened += 1;
      if (opened % 2 === 0) throw new CodedError('state_store_unreachable', { message: 'Not now.' });
      return open(name);
    };
    const pauses: number[] = [];
    const giveUp = new AbortController();
    const { eof } = await runUntilDone({
      ...common,
      signal: giveUp.signal,
      pause: async (ms) => {
        pauses.push(ms);
        // A run without an end fails here.
        if (pauses.length === 9) giveUp.abort();
      },
    });
    expect(pauses).toEqual([1000, 2000, 4000, 8000]);
    expect(eof.run_progress.streams.a?.state_count).toBe(1);
  });

  it('ends at once on bad credentials', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 5 }, mode: 'bad_key' });
    const run = await callPenstock(['sync', '-c', file, '--json', '--until-done']);
    expect(run.exitCode).toBe(20);
    expect(run.messages.filter(({ type }) => type === 'connection_status')).toHaveLength(1);
  });

  it('is ended by SIGTERM while it waits to try again, with eof last', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 5 }, mode: 'silent_end' });
    const process = startPenstock(['sync', '-c', file, '--json', '--until-done']);
    await expect.poll(() => process.stdout().includes('"retry_in_ms":2000')).toBe(true);
    process.child.kill('SIGTERM');
    const run = await process.done;
    expect(run.messages.filter(({ type }) => type === 'eof')).toHaveLength(1);
    expect(run.eof?.run_progress.streams.a).toMatchObject({ status: 'errored' });
    expect(run.exitCode).toBe(30);
  });

  it('keeps to its time limit over all calls', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 5 }, mode: 'silent_end' });
    const startedAt = performance.now();
    const run = await callPenstock(['sync', '-c', file, '--json', '--until-done', '--time-limit', '4']);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(run.eof?.run_progress.streams.a?.status).toMatch(/errored|started|not_started/);
    expect([10, 30]).toContain(run.exitCode);
  });
});
