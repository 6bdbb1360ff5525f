import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline } from './launch/testing/penstock.ts';
import { postgresStateStore } from './store/postgres-state-store.ts';
import { RUNS_KEPT_MAX, type RunEnd } from './store/run-history.ts';
import { exampleState } from './store/testing.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'penstock-runs-test-'));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await database.pool.query('drop schema if exists penstock cascade');
});

const store = () => postgresStateStore({ url: database.url });
const counts = { records: 9, created: 1, updated: 2, deleted: 3, skipped: 4, bytes: 5_000_000_000 };
const done: RunEnd = { outcome: 'done', counts };

async function call(runId: string, end?: RunEnd): Promise<void> {
  const session = await store().open('p');
  await session.save(exampleState({ a: 1 }));
  await session.beginRun(runId);
  if (end !== undefined) await session.endRun(end);
  await session.close();
}

it('keeps what each call came to, the newest first, and calls one that never said so interrupted once the next begins', async () => {
  expect(await store().runs('p', 5)).toEqual([]);
  await call('run_1', done);
  await call('run_2');
  expect((await store().runs('p', 5))[0]).toMatchObject({ run_id: 'run_2', outcome: 'running' });
  await call('run_2', { outcome: 'failed', error: 'no\0 space', counts });
  const runs = await store().runs('p', 5);
  expect(runs).toMatchObject([
    { run_id: 'run_2', outcome: 'failed', error: 'no space', counts },
    { run_id: 'run_2', outcome: 'interrupted', ended_at: expect.any(String) },
    { run_id: 'run_1', outcome: 'done', counts, engine_version: expect.stringMatching(/^\d/) },
  ]);
  expect(runs[1]).not.toHaveProperty('counts');
  expect(await store().runs('p', 1)).toHaveLength(1);
  expect(await store().runs('q', 5)).toEqual([]);
});

it('takes no word from an engine whose lease was taken over', async () => {
  const old = await store().open('p');
  await old.beginRun('run_1');
  await database.pool.query("update penstock.lease set expires_at = clock_timestamp() - interval '1 s'");
  const taken = await store().open('p');
  await taken.beginRun('run_2');
  await old.endRun(done);
  await expect(old.beginRun('run_3')).resolves.toBeUndefined();
  await taken.endRun(done);
  await taken.close();
  await old.close();
  expect((await store().runs('p', 5)).map(({ run_id, outcome }) => [run_id, outcome])).toEqual([
    ['run_2', 'done'],
    ['run_1', 'interrupted'],
  ]);
  const late = await store().open('p');
  await database.pool.query('update penstock.lease set epoch = epoch + 1');
  await expect(late.beginRun('run_4')).rejects.toMatchObject({ code: 'lease_held' });
  await late.close();
});

it('forgets the oldest calls beyond so many, and none of another pipeline', async () => {
  await call('first', done);
  await database.pool.query(
    `insert into penstock.run (pipeline, run_id, epoch, started_at, ended_at, outcome, engine_version)
     select name, 'old', 0, now(), now(), 'done', '0' from unnest(array['p', 'q']) name, generate_series(1, $1)`,
    [RUNS_KEPT_MAX + 5],
  );
  await call('last', done);
  const { rows } = await database.pool.query(
    'select pipeline, count(*)::int as n from penstock.run group by pipeline order by pipeline',
  );
  expect(rows).toEqual([
    { pipeline: 'p', n: RUNS_KEPT_MAX },
    { pipeline: 'q', n: RUNS_KEPT_MAX + 5 },
  ]);
  expect((await store().runs('p', 1))[0]!.run_id).toBe('last');
});

it('lists what sync did: to people in a table, to programs in lines of JSON', async () => {
  const { file } = await fakePipeline(folder, { streams: { a: 3 } });
  const inFile = await callPenstock(['runs', '-c', file]);
  expect(inFile).toMatchObject({ exitCode: 20, stderr: expect.stringContaining('no history of runs is kept') });
  const pipeline = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...pipeline, state: { postgres: { url: database.url } } }));
  expect((await callPenstock(['runs', '-c', file])).stdout).toContain('knows of no run of pipeline "fake"');
  expect((await callPenstock(['sync', '-c', file])).exitCode).toBe(0);
  const broken = { ...pipeline, state: { postgres: { url: database.url } } };
  broken.source.config.mode = 'bad_key';
  await writeFile(file, JSON.stringify(broken));
  expect((await callPenstock(['sync', '-c', file])).exitCode).toBe(20);
  const table = (await callPenstock(['runs', '-c', file])).stdout.split('\n');
  expect(table[0]).toMatch(/^started +took +outcome +records +created +updated +deleted +skipped +bytes +error$/);
  expect(table[1]).toMatch(/^20\S+Z +\d+\.\d s +failed /);
  // Three records of about a hundred bytes each.
  expect(table[2]).toMatch(/^20\S+Z +\d+\.\d s +done .* [23]\d\d$/);
  const lines = (await callPenstock(['runs', '-c', file, '--json', '--limit', '1'])).stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ pipeline: 'fake', outcome: 'failed' }]);
  expect((await callPenstock(['runs', '-c', file, '--limit', '0'])).exitCode).toBe(2);
});
