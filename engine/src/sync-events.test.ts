import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTimestamp } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, type PenstockRun, startPenstock } from './launch/testing/penstock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-events-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pipeline = (source: Record<string, unknown>) =>
  fakePipeline(folder, { journal: join(folder, 'journal'), ...source }, {}, ['fake-events-source']);

/** What `read` was given as state, call by call. */
async function statesGiven(): Promise<unknown[]> {
  const lines = (await readFile(join(folder, 'journal'), 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line)).flatMap(({ command, state }) => (command === 'read' ? [state] : []));
}

const savedSource = async (path: string) => JSON.parse(await readFile(path, 'utf8')).source;
const wait = (check: () => boolean): Promise<void> => expect.poll(check).toBe(true);

/** Global checkpoints as they came out of the destination, and how many records were in it by then. */
function cursorsOf(run: PenstockRun): unknown[] {
  return run.messages.flatMap((message) =>
    message.type === 'source_state' && message.source_state.state_type === 'global' ? [message.source_state.data] : [],
  );
}

describe('a global checkpoint', () => {
  it('is saved with the streams that it names when it came out of the destination, and given to the next read', async () => {
    const { file, out, state } = await pipeline({ streams: { a: 20, b: 5 }, rounds: 2 });
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect([run.exitCode, run.stderr]).toEqual([0, '']);
    expect(cursorsOf(run)).toEqual([{ cursor: 1 }, { cursor: 2 }, { cursor: 3 }]);
    expect(run.eof!.run_progress.global_state_count).toBe(3);
    const saved = { streams: { a: { round: 3 }, b: { round: 3 } }, global: { cursor: 3 } };
    expect(run.eof!.ending_state.source).toEqual(saved);
    expect(await savedSource(state)).toEqual(saved);
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(25 + 4);
    await callPenstock(['sync', '-c', file]);
    expect(await statesGiven()).toEqual([{ streams: {}, global: {} }, saved]);
    expect(await savedSource(state)).toMatchObject({ global: { cursor: 6 } });
  });

  it('survives a run that is cut off and continued, and keeps the state of a stream that a run leaves out', async () => {
    const { file, state } = await pipeline({ streams: { a: 3, b: 3 }, poll_ms: 20 });
    const first = await callPenstock(['sync', '-c', file, '--json', '--time-limit', '3']);
    expect([first.exitCode, first.eof!.has_more]).toEqual([10, true]);
    const { cursor } = (await savedSource(state)).global as { cursor: number };
    await pipeline({ streams: { a: 3, b: 3 }, rounds: 0 });
    const second = await callPenstock(['sync', '-c', file, '--json', '--streams', 'a']);
    expect(second.exitCode).toBe(0);
    expect(second.eof!.ending_state.sync_run.run_id).toBe(first.eof!.ending_state.sync_run.run_id);
    expect((await statesGiven())[1]).toEqual({ streams: { a: { round: cursor } }, global: { cursor } });
    expect(await savedSource(state)).toEqual({
      streams: { a: { round: cursor + 1 }, b: { round: cursor } },
      global: { cursor: cursor + 1 },
    });
  });

  it('is not saved before the destination has everything that came before it', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 10, b: 10 }, rounds: 5 }, { die_after: 23 }, [
      'fake-events-source',
    ]);
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect(run.exitCode).toBe(30);
    // 20 records of the first round, 2 of the second one; the third was not committed.
    expect(run.eof!.ending_state.source.global).toEqual({ cursor: 2 });
  });
});

describe('a source that stays', () => {
  it.each(['SIGTERM', '--time-limit'])('is ended by %s with exit code 10 and everything saved', async (how) => {
    const { file, out, state } = await pipeline({ streams: { a: 3, b: 0 }, poll_ms: 10 });
    const limit = how === 'SIGTERM' ? [] : ['--time-limit', '4'];
    const process = startPenstock(['sync', '-c', file, '--json', ...limit]);
    if (how === 'SIGTERM') {
      await wait(() => process.stdout().includes('"cursor":40'));
      process.child.kill('SIGTERM');
    }
    const run = await process.done;
    expect([run.exitCode, run.stderr.includes('rror')]).toEqual([10, false]);
    expect(run.eof).toMatchObject({ has_more: true, reason: how === 'SIGTERM' ? 'aborted' : 'time_limit' });
    const { source } = run.eof!.ending_state;
    const { cursor } = source.global as { cursor: number };
    expect(await savedSource(state)).toEqual(source);
    // Every record before the last checkpoint, and at most one round after it.
    const records = (await readFile(out, 'utf8')).trim().split('\n').length;
    expect(records).toBeGreaterThanOrEqual(3 + 2 * (cursor - 1));
    expect(records).toBeLessThanOrEqual(3 + 2 * cursor);
  });

  it('has its state saved and its synced_through moved while it runs, with one completed range', async () => {
    const { file, state } = await pipeline({ streams: { a: 3, b: 0 }, poll_ms: 50 });
    const process = startPenstock(['sync', '-c', file, '--json']);
    const saved = async () => JSON.parse(await readFile(state, 'utf8').catch(() => '{}'));
    const cursorOf = async () => (await saved()).source?.global.cursor ?? 0;
    await expect.poll(cursorOf).toBeGreaterThan(3);
    const before = await saved();
    await expect.poll(cursorOf).toBeGreaterThan(before.source.global.cursor + 10);
    const after = await saved();
    const a = after.sync_run.progress.streams.a;
    expect([a.status, a.completed_ranges.length]).toEqual(['started', 1]);
    expect(parseTimestamp(a.completed_ranges[0].gte)).toBe(parseTimestamp(a.total_range.gte));
    expect(a.synced_through).toBe(a.completed_ranges[0].lt);
    expect(parseTimestamp(a.synced_through)).toBeGreaterThan(parseTimestamp(a.total_range.lt) + 5_000);
    const earlier = before.sync_run.progress.streams.a.synced_through;
    expect(parseTimestamp(a.synced_through)).toBeGreaterThan(parseTimestamp(earlier));
    process.child.kill('SIGTERM');
    const run = await process.done;
    const shown = run.messages.filter(({ type }) => type === 'progress').length;
    expect(shown).toBeGreaterThan(3);
    const rounds = (run.eof!.ending_state.source.global as { cursor: number }).cursor;
    expect(shown).toBeLessThan(2 * rounds + 10);
    expect(JSON.stringify(run.eof!.ending_state).length).toBeLessThan(4_000);
  });

  it('tells through which time each stream is complete when it then completes', async () => {
    const { file } = await pipeline({ streams: { a: 1 }, rounds: 30 });
    const run = await callPenstock(['sync', '-c', file, '--json']);
    const { a } = run.eof!.run_progress.streams;
    expect(a!.status).toBe('completed');
    expect(parseTimestamp(a!.synced_through!)).toBe(parseTimestamp(a!.total_range!.lt) + 30_000);
  });
});

describe('an optional stream', () => {
  it('is read only when it is named, is shown as such, and goes with a star for all the usual ones', async () => {
    const { file } = await pipeline({ streams: { a: 2, a_lines: 2, b: 1 }, optional: ['a_lines'] });
    const catalogOf = (run: PenstockRun) =>
      run.messages.flatMap((m) => (m.type === 'catalog' ? m.catalog.streams.map(({ name }) => name) : []));
    const shown = await callPenstock(['discover', '-c', file]);
    expect(shown.stdout).toMatch(/optional\n[\s\S]*a_lines .*yes\n[\s\S]*only when `streams` names them/);
    expect(catalogOf(await callPenstock(['sync', '-c', file, '--json']))).toEqual(['a', 'b']);
    const named = await callPenstock(['sync', '-c', file, '--json', '--streams', 'a_lines']);
    expect(catalogOf(named)).toEqual(['a_lines']);
    const starred = await callPenstock(['sync', '-c', file, '--json', '--streams', '*,a_lines']);
    expect(catalogOf(starred)).toEqual(['a', 'a_lines', 'b']);
    const inFile = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...inFile, streams: [{ name: '*' }, { name: 'a_lines' }] }));
    expect(catalogOf(await callPenstock(['sync', '-c', file, '--json']))).toEqual(['a', 'a_lines', 'b']);
  });
});
