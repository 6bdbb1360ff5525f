import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from '../launch/testing/call-penstock.ts';
import { migrate, readMigrations } from './migrate.ts';
import { postgresStateStore } from './postgres-state-store.ts';

let database: TestDatabase;
let folder: string;
let file: string;
beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'penstock-migrate-test-'));
  file = join(folder, 'pipeline.json');
  const command = [process.execPath, 'none.mjs'];
  const state = { postgres: { url: database.url } };
  await writeFile(file, JSON.stringify({ name: 'shop', source: { command }, destination: { command }, state }));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await database.pool.query('drop schema if exists penstock cascade');
});

/** What the engines of each version have written beside what those before them did. */
const written: Record<number, string> = {
  1: `
    insert into lease (pipeline, epoch) values ('shop', 7), ('other', 1);
    insert into sync_state (pipeline, section, stream, data, epoch, updated_at) values
      ('shop', 'source_stream', 'a', '{"z": 1, "10": "ten", "next": 12345678901234567890.50}', 7, '2026-01-31T12:00:07Z'),
      ('shop', 'source_stream', 'b', '{"next":3}', 6, '2026-01-31T12:00:05Z'),
      ('shop', 'source_global', '', '{"events":{"cursor":"evt_1"}}', 7, '2026-01-31T12:00:07Z'),
      ('shop', 'destination', '', '{"kept":true}', 5, '2026-01-31T12:00:00Z'),
      ('shop', 'sync_run', '', '{"run_id":"run_1","time_ceiling":"2026-01-31T12:00:00Z","progress":{
        "started_at":"2026-01-31T12:00:00Z","elapsed_ms":7000,"global_state_count":2,
        "derived":{"status":"started","records_per_second":1,"states_per_second":0.5},"streams":{}}}',
        7, '2026-01-31T12:00:07Z'),
      ('shop', 'sync_run', 'a', '{"status":"started","record_count":4,"state_count":2}', 7, '2026-01-31T12:00:07Z'),
      ('shop', 'sync_run', 'b', '{"status":"completed","record_count":3,"state_count":1,"created_count":3,
        "synced_through":"2026-01-31T11:59:50Z"}', 6, '2026-01-31T12:00:05Z'),
      ('other', 'source_stream', 'a', '{}', 1, '2026-01-30T12:00:00Z')`,
  2: `
    insert into sync_state (pipeline, section, stream, data, epoch, updated_at) values
      ('shop', 'resolved_config', 'source', '{"given":"salt:hash","config":{"account":"acct_1"},"secret_keys":["key"]}',
        7, '2026-01-31T12:00:07Z')`,
  3: `
    insert into run (pipeline, run_id, epoch, started_at, ended_at, outcome, error, records, created, updated, deleted,
      skipped, engine_version) values
      ('shop', 'run_0', 5, '2026-01-30T12:00:00Z', '2026-01-30T12:01:00Z', 'failed', 'no space left', 9, 1, 2, 3, 4, '0.2.0'),
      ('other', 'run_x', 1, '2026-01-30T12:00:00Z', '2026-01-30T12:00:09Z', 'done', null, 0, 0, 0, 0, 0, '0.2.0');
    insert into run (pipeline, run_id, epoch, started_at, outcome, engine_version) values
      ('shop', 'run_1', 7, '2026-01-31T12:00:00Z', 'running', '0.2.0')`,
  4: `
    insert into run (pipeline, run_id, epoch, started_at, ended_at, outcome, records, created, updated, deleted, skipped,
      bytes, engine_version) values
      ('other', 'run_y', 2, '2026-01-31T12:00:00Z', '2026-01-31T12:00:09Z', 'done', 1, 1, 0, 0, 0, 5000000000, '0.3.0')`,
};

/** A schema as engines that knew the first migrations alone have left it. @returns its rows as text, by table */
async function leaveAt(version: number): Promise<Record<string, string[]>> {
  const migrations = (await readMigrations()).filter((migration) => migration.version <= version);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const place = { host: 'h', port: 1, database: 'd', user: 'u', schema: 'penstock' };
    await migrate(client, place, migrations);
    await client.query('set search_path to penstock');
    for (let each = 1; each <= version; each++) await client.query(written[each]!);
  } finally {
    await client.end();
  }
  return rowsOf(version);
}

/** The rows with the columns that the version had, as text: what a column added is left out. */
async function rowsOf(version: number): Promise<Record<string, string[]>> {
  const run =
    'pipeline, run_id, epoch, started_at, ended_at, outcome, error, records, created, updated, deleted, skipped';
  const selects: Record<string, string> = {
    lease: 'select lease::text as row from penstock.lease order by 1',
    sync_state: 'select sync_state::text as row from penstock.sync_state order by 1',
    ...(version >= 3 && { run: `select (id, ${run}, engine_version)::text as row from penstock.run order by id` }),
    ...(version >= 4 && { bytes: 'select (id, bytes)::text as row from penstock.run order by id' }),
  };
  const rows = Object.entries(selects).map(async ([name, select]) => {
    const result = await database.pool.query<{ row: string }>(select);
    return [name, result.rows.map(({ row }) => row)];
  });
  return Object.fromEntries(await Promise.all(rows));
}

it('has rows to leave at each version that there is', async () => {
  const versions = (await readMigrations()).map(({ version }) => version);
  expect(Object.keys(written).map(Number)).toEqual(versions);
});

describe.each(Object.keys(written).map(Number))('a schema that was left at version %d', (version) => {
  it('is migrated with every row kept, and its state is shown', async () => {
    const before = await leaveAt(version);
    expect(before.sync_state).toHaveLength(version === 1 ? 8 : 9);
    const shown = await callPenstock(['state', 'show', '-c', file]);
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^pipeline shop, run run_1: started, started 2026-01-31T12:00:00/);
    expect(shown.stdout).toMatch(/\na +started +4 /);
    expect(shown.stdout).toMatch(/\nb +completed +3 +2026-01-31T11:59:50Z/);
    const { rows } = await database.pool.query('select version from penstock.migration order by version');
    expect(rows.map((row) => row.version)).toEqual((await readMigrations()).map((migration) => migration.version));
    expect(await rowsOf(version)).toEqual(before);
    const exported = await callPenstock(['state', 'export', '-c', file]);
    expect(exported.stdout).toContain('12345678901234567890.50');
    const state = JSON.parse(exported.stdout);
    expect(state).toMatchObject({ source: { global: { events: { cursor: 'evt_1' } } }, destination: { kept: true } });
    expect(Object.keys(state.source.streams.a)).toEqual(['10', 'z', 'next']);
    expect(state.resolved_config?.source.config).toEqual(version === 1 ? undefined : { account: 'acct_1' });
  });

  it('has its runs listed, those without bytes too', async () => {
    await leaveAt(version);
    const listed = await callPenstock(['runs', '-c', file, '--json']);
    expect(listed).toMatchObject({ exitCode: 0, stderr: '' });
    const runs = listed.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    if (version < 3) expect(runs).toEqual([]);
    else {
      expect(runs).toMatchObject([
        { run_id: 'run_1', outcome: 'running' },
        { run_id: 'run_0', outcome: 'failed', error: 'no space left', engine_version: '0.2.0' },
      ]);
      expect(runs[1].counts).toEqual({ records: 9, created: 1, updated: 2, deleted: 3, skipped: 4 });
    }
    const table = await callPenstock(['runs', '-c', file]);
    expect(table).toMatchObject({ exitCode: 0, stderr: '' });
    const other = await callPenstock(['runs', '-c', file, '--name', 'other', '--json']);
    expect(other.stdout.includes('"bytes":5000000000')).toBe(version >= 4);
  });

  it('goes on under the next epoch, and notes what the run before left open', async () => {
    await leaveAt(version);
    const store = postgresStateStore({ url: database.url });
    const session = await store.open('shop');
    expect(session.previous?.source.streams.b).toEqual({ next: 3 });
    await session.beginRun('run_1');
    await session.save({ ...session.previous!, source: { streams: { b: { next: 4 } }, global: {} } });
    await session.endRun({
      outcome: 'done',
      counts: { records: 1, created: 1, updated: 0, deleted: 0, skipped: 0, bytes: 10 },
    });
    await session.close();
    const { rows } = await database.pool.query("select epoch from penstock.lease where pipeline = 'shop'");
    expect(rows).toEqual([{ epoch: '8' }]);
    expect((await store.load('shop'))?.source.streams).toEqual({ b: { next: 4 } });
    expect((await store.runs('shop', 9)).map(({ outcome }) => outcome)).toEqual(
      version < 3 ? ['done'] : ['done', 'interrupted', 'failed'],
    );
  });
});
