import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Migration, migrate, readMigrations } from './migrate.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('drop schema if exists penstock cascade');
});

const place = { host: 'h', port: 1, database: 'd', user: 'u', schema: 'penstock' };

async function run(migrations: readonly Migration[]): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await migrate(client, place, migrations);
  } finally {
    await client.end();
  }
}

const more = (sql: string): Migration => ({ version: 9000, name: '9000_more.sql', sql, hash: sql });

it('applies each migration once, whatever number of engines begin at the same time', async () => {
  const migrations = await readMigrations();
  await Promise.all([1, 2, 3, 4].map(() => run([...migrations, more('alter table lease add column extra text')])));
  const { rows } = await database.pool.query('select version from penstock.migration order by version');
  expect(rows.map((row) => row.version)).toEqual([...migrations.map(({ version }) => version), 9000]);
});

it('adds to an older schema and keeps its rows', async () => {
  const migrations = await readMigrations();
  await run(migrations);
  await database.pool.query("insert into penstock.lease (pipeline, epoch) values ('p', 7)");
  await run([...migrations, more('alter table lease add column extra text')]);
  const { rows } = await database.pool.query('select pipeline, epoch, extra from penstock.lease');
  expect(rows).toEqual([{ pipeline: 'p', epoch: '7', extra: null }]);
});

it('takes rows of what connectors found out into tables that were made without them', async () => {
  const migrations = await readMigrations();
  await run(migrations.slice(0, 1));
  const insert = (section: string) =>
    database.pool.query(
      `insert into penstock.sync_state (pipeline, section, stream, data, epoch, updated_at)
       values ('p', $1, 'source', '{}', 1, now())`,
      [section],
    );
  await insert('source_stream');
  await expect(insert('resolved_config')).rejects.toThrow('sync_state_section_check');
  await run(migrations);
  await insert('resolved_config');
  await expect(insert('nonsense')).rejects.toThrow('sync_state_section_check');
  const { rows } = await database.pool.query('select section from penstock.sync_state order by section');
  expect(rows.map(({ section }) => section)).toEqual(['resolved_config', 'source_stream']);
});

it('applies all of a migration or nothing', async () => {
  const migrations = await readMigrations();
  await expect(
    run([...migrations, more('alter table lease add column extra text; select nonsense')]),
  ).rejects.toThrow();
  const { rows } = await database.pool.query("select from information_schema.columns where column_name = 'extra'");
  expect(rows).toEqual([]);
  await run([...migrations, more('alter table lease add column extra text')]);
});

it('refuses a schema that is newer than the engine, and one that other files made', async () => {
  const migrations = await readMigrations();
  await run([...migrations, more('select 1')]);
  await expect(run(migrations)).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringMatching(/version 9000, written by a newer engine; this one knows versions up to \d+/),
  });
  await expect(run([...migrations, more('select 2')])).rejects.toThrow('9000_more.sql that differs');
});
