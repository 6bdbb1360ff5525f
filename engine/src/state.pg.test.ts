import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import type { SyncState } from '@penstock/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline } from './launch/testing/penstock.ts';
import { fileStateStore } from './store/file-state-store.ts';
import { postgresStateStore } from './store/postgres-state-store.ts';
import type { StateStore } from './store/state-store.ts';
import { exampleState } from './store/testing.ts';

let database: TestDatabase;
let root: string;
beforeAll(async () => {
  database = await createTestDatabase();
  root = await mkdtemp(join(tmpdir(), 'penstock-state-test-'));
});
afterAll(async () => {
  await database.drop();
  await rm(root, { recursive: true, force: true });
});

/** How many records of each stream the destination has got. */
async function recordsIn(path: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of (await readFile(path, 'utf8')).split('\n').filter(Boolean)) {
    const stream = /"?([ab])_\d+/.exec(line)?.[1] ?? line;
    counts[stream] = (counts[stream] ?? 0) + 1;
  }
  return counts;
}

/** The state of a run whose streams have all ended. */
function finished(streams: Record<string, unknown>): SyncState {
  const state = exampleState(streams);
  const { progress } = state.sync_run;
  const ended = Object.entries(progress.streams).map(([name, stream]) => [
    name,
    { ...stream, status: 'completed', record_count: 7, synced_through: '2026-01-31T11:59:50Z' },
  ]);
  return {
    source: { streams, global: {} },
    destination: {},
    sync_run: { ...state.sync_run, progress: { ...progress, streams: Object.fromEntries(ended) } },
  };
}

/** What a source may write that a careless reader would put in another order or spell in another way. */
const strange = { z: 1, 10: 'ten', 2: [], a: { nul: '\u0000', lone: '\ud800', emoji: '🦆' }, big: 9007199254740991 };

describe.each(['file', 'postgres'] as const)('penstock state in a %s', (kind) => {
  let file: string;
  let out: string;
  let store: StateStore;
  let round = 0;

  beforeEach(async () => {
    const folder = join(root, `${kind}-${++round}`);
    const made = await fakePipeline(folder, { streams: { b: 3, a: 5 } });
    ({ file, out } = made);
    store = fileStateStore(made.state);
    if (kind === 'postgres') {
      await database.pool.query('drop schema if exists penstock cascade');
      const pipeline = JSON.parse(await readFile(file, 'utf8'));
      await writeFile(file, JSON.stringify({ ...pipeline, state: { postgres: { url: database.url } } }));
      store = postgresStateStore({ url: database.url });
    }
    // As a sync leaves it, without the time that it takes.
    await store.replace('fake', finished({ a: { next: 5 }, b: { next: 3 } }));
  });

  const withInput = (args: readonly string[], input: string) => callPenstock(['state', ...args], {}, input);
  const state = (...args: string[]) => callPenstock(['state', ...args, '-c', file]);

  it('shows how far each stream is, to people and to programs, and of some streams', async () => {
    const shown = await state('show');
    expect(shown.stdout).toMatch(/^pipeline fake, run run_1: started, started 2026-01-31T12:00:00/);
    expect(shown.stdout).toMatch(
      /\na +completed +7 +2026-01-31T11:59:50Z +10\nb +completed +7 +2026-01-31T11:59:50Z +10\n$/,
    );
    const one = await state('show', '--stream', 'b', '--json');
    expect(JSON.parse(one.stdout).source.streams).toEqual({ b: { next: 3 } });
    const unknown = await state('show', '--stream', 'bb');
    expect(unknown.exitCode).toBe(20);
    expect(unknown.stderr).toBe('penstock: There is no state of a stream "bb". Did you mean "b"? Known: a, b.\n');
  });

  it('says who works on the pipeline, and keeps others from changing its state meanwhile', async () => {
    const exported = (await state('export')).stdout;
    const session = await store.open('fake');
    const who = `process ${process.pid} on ${hostname()}, since `;
    expect((await state('show')).stdout).toContain(`\nrunning: ${who}20`);
    for (const refused of [
      await state('reset', '--yes'),
      await state('reset', '--stream', 'a'),
      await withInput(['import', '-c', file], exported),
      await withInput(['import', '-c', file, '--stream', 'a'], exported),
    ]) {
      expect(refused.exitCode).toBe(30);
      expect(refused.stderr).toContain(`Another engine is running pipeline "fake": ${who}20`);
    }
    await session.close();
    expect((await state('export')).stdout).toBe(exported);
  });

  it('exports what import takes back, byte for byte, also after a reset and under another name', async () => {
    const session = await store.open('fake');
    await session.save({ ...session.previous!, source: { streams: { b: strange, a: [0.1, null] }, global: strange } });
    await session.close();
    const exported = (await state('export')).stdout;
    expect(JSON.parse(exported).source.streams.b).toEqual(strange);
    expect((await state('reset')).exitCode).toBe(0);
    expect((await state('export')).exitCode).toBe(20);
    const imported = await withInput(['import', '-', '-c', file], exported);
    expect(imported).toMatchObject({ exitCode: 0, stderr: '' });
    expect(imported.stdout).toContain('now has the given state of pipeline "fake": 2 streams.');
    expect((await state('export')).stdout).toBe(exported);
    const elsewhere = join(root, `${kind}-elsewhere.json`);
    expect((await withInput(['import', '-c', file, '--name', 'other', '--state', elsewhere], exported)).exitCode).toBe(
      0,
    );
    expect((await state('export', '--name', 'other', '--state', elsewhere)).stdout).toBe(exported);
    await rm(elsewhere);
  });

  it('moves single streams, and leaves the others as they are', async () => {
    const before = (await state('export')).stdout;
    const path = join(root, `${kind}-part.json`);
    await writeFile(path, (await state('export', '--stream', 'b')).stdout);
    expect((await state('reset', '--stream', 'b', '--stream', 'a')).exitCode).toBe(0);
    const imported = await state('import', path, '--stream', 'b');
    expect(imported.stdout).toContain('now has the given state of stream "b" of pipeline "fake": 1 stream.');
    expect(JSON.parse((await state('export')).stdout).source.streams).toEqual({ b: { next: 3 } });
    const missing = await state('import', path, '--stream', 'a');
    expect(missing).toMatchObject({ exitCode: 20, stderr: expect.stringContaining('no state of a stream "a"') });
    await writeFile(path, before);
    expect((await state('import', path, '--stream', 'a')).exitCode).toBe(0);
    expect((await state('export')).stdout).toBe(before);
  });

  it.each([
    ['', 2, 'stdin is empty'],
    ['{"source":', 2, 'stdin is not JSON'],
    ['[]', 20, 'stdin holds no state, which is a JSON object with "source" and "sync_run".'],
    ['{"source": {"streams": 7}, "sync_run": {}}', 20, 'source.streams'],
    ['{"type": "eof"}', 20, 'stdin holds no state, which is a JSON object with "source" and "sync_run".'],
  ])('refuses to import %j and changes nothing', async (text, code, reason) => {
    const before = (await state('export')).stdout;
    const refused = await withInput(['import', '-c', file], text);
    expect(refused.exitCode).toBe(code);
    expect(refused.stderr).toContain(reason);
    expect((await state('export')).stdout).toBe(before);
  });

  it('refuses the state of a stream that is over the limit', async () => {
    const before = (await state('export')).stdout;
    const big = JSON.parse(before);
    big.source.streams.a = 'x'.repeat(1024 * 1024);
    const refused = await withInput(['import', '-c', file], JSON.stringify(big));
    expect(refused.exitCode).toBe(40);
    expect(refused.stderr).toContain('stream "a" has 1048578 bytes');
    expect((await state('export')).stdout).toBe(before);
  });

  it('has everything read again once teardown has removed what was in the destination', async () => {
    const pipeline = JSON.parse(await readFile(file, 'utf8'));
    pipeline.destination.config.tears_down = true;
    await writeFile(file, JSON.stringify(pipeline));
    await writeFile(out, 'a_0\n');
    const torn = await callPenstock(['teardown', '-c', file, '--yes']);
    expect([torn.exitCode, torn.stdout]).toEqual([
      0,
      expect.stringMatching(/position of pipeline "fake" in .* is forgotten/),
    ]);
    const { exitCode, stderr } = await callPenstock(['sync', '-c', file]);
    expect(exitCode, stderr).toBe(0);
    expect(await recordsIn(out)).toEqual({ a: 5, b: 3 });
  });

  it('has the streams read again that were reset, and no others', async () => {
    const reset = await state('reset', '--stream', 'a', '--stream', 'c');
    expect(reset.stdout).toContain('no state of stream "c" of pipeline "fake"');
    expect(reset.stdout).toContain('The state of stream "a" of pipeline "fake" is gone');
    const { exitCode, stderr } = await callPenstock(['sync', '-c', file]);
    expect(exitCode, stderr).toBe(0);
    expect(await recordsIn(out)).toEqual({ a: 5 });
  });

  it('starts over with sync --reset-state', async () => {
    expect((await callPenstock(['sync', '-c', file, '--reset-state'])).exitCode).toBe(0);
    expect(await recordsIn(out)).toEqual({ a: 5, b: 3 });
  });
});

it('says that what belongs to no stream stays when single streams are reset', async () => {
  const { file, state } = await fakePipeline(join(root, 'global'), { streams: { a: 1, b: 1 } });
  const saved = finished({ a: { next: 1 }, b: { next: 1 } });
  await fileStateStore(state).replace('fake', { ...saved, source: { ...saved.source, global: { cursor: 7 } } });
  const reset = await callPenstock(['state', 'reset', '-c', file, '--stream', 'a']);
  expect(reset.stdout).toContain('What belongs to no stream stays');
  expect(JSON.parse(await readFile(state, 'utf8')).source).toEqual({
    streams: { b: { next: 1 } },
    global: { cursor: 7 },
  });
});

it('moves a state through a pipe from one program to another', async () => {
  const { file, state } = await fakePipeline(join(root, 'pipe'), { streams: { a: 1 } });
  const saved = finished({ a: { next: 1 } });
  await fileStateStore(state).replace('fake', saved);
  const elsewhere = join(root, 'pipe', 'elsewhere.json');
  const penstock = `"${process.execPath}" "${join(import.meta.dirname, 'main.ts')}" state`;
  const pipe = `${penstock} export -c "${file}" | ${penstock} import -c "${file}" --state "${elsewhere}"`;
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', pipe]);
  expect([stdout, stderr]).toEqual([expect.stringContaining('now has the given state of pipeline "fake"'), '']);
  expect(await fileStateStore(elsewhere).load('fake')).toEqual(saved);
});
