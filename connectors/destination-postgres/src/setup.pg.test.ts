import type { Message } from '@penstock/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from './config.ts';
import { destination } from './destination.ts';
import { useTestDatabase } from './testing/database.ts';
import { lines, type ProgramCall, runProgram } from './testing/run-program.ts';
import { testStream } from './testing/write-items.ts';

const db = useTestDatabase();

let schema: string;
let count = 0;
beforeEach(() => {
  schema = `setup_${++count}`;
});

const query = async (sql: string) => (await db.pool.query(sql)).rows as Record<string, unknown>[];
const relations = async (name = schema) =>
  (
    await query(
      `select relname as n from pg_class c join pg_namespace s on s.oid = relnamespace where nspname = '${name}' and relkind in ('r', 'v') order by 1`,
    )
  ).map(({ n }) => n);
const hasSchema = async () => (await query(`select from pg_namespace where nspname = '${schema}'`)).length > 0;
const run = (command: ProgramCall['command'], names?: readonly string[], config: object = {}, input = '') =>
  runProgram(
    {
      command,
      config: { url: db.url, schema, ...config },
      ...(names && { streams: names.map((name) => testStream(name)) }),
    },
    input,
  );
/** As `setup` does, without a process of its own. */
async function prepare(names: readonly string[], more: object = {}): Promise<void> {
  const put = () => {};
  await destination.setup!({
    config: configSchema.parse({ url: db.url, schema, ...more }),
    catalog: { streams: names.map((name) => testStream(name)) },
    signal: new AbortController().signal,
    log: { debug: put, info: put, warn: put, error: put },
  });
}
const logs = (messages: readonly Message[]) =>
  messages.flatMap((item) => (item.type === 'log' ? [item.log.message] : []));
/** The message of the failure that ended the run. */
const failure = (messages: readonly Message[]) =>
  messages.flatMap((item) => (item.type === 'connection_status' ? [item.connection_status.message] : [])).join();

describe('setup', () => {
  it('makes the schema alone without a catalog, and its tables with one, as often as it is called', async () => {
    expect((await run('setup')).code).toBe(0);
    expect(await hasSchema()).toBe(true);
    expect(await relations()).toEqual([]);
    for (let time = 1; time <= 2; time++) {
      const { code, stderr, messages } = await run('setup', ['a', 'b'], { soft_delete: 'remove' });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(messages.map(({ type }) => type)).toEqual(['log']);
      expect(await relations()).toEqual(['_penstock_deleted_a', '_penstock_deleted_b', 'a', 'b']);
    }
    await run('write', ['a'], {}, lines.record('a', { id: '1' }) + lines.complete('a'));
    await run('setup', ['a', 'b']);
    expect(await query(`select id from ${schema}.a`)).toEqual([{ id: '1' }]);
  });

  it('says which table it can not make, and makes the others', async () => {
    await db.pool.query(`create schema ${schema}; create table ${schema}.a (id text)`);
    const { code, messages } = await run('setup', ['a', 'b']);
    expect(code).toBe(20);
    expect(failure(messages)).toContain('was not made by Penstock');
    expect(await relations()).toEqual(['a', 'b']);
  });
});

describe('teardown', () => {
  const overwritten = (name: string) =>
    runProgram(
      {
        command: 'write',
        config: { url: db.url, schema },
        streams: [testStream(name, { destination_sync_mode: 'overwrite', generation_id: 1 })],
      },
      lines.record(name, { id: '1', v: 1 }),
    );

  it('drops what belongs to the streams of the catalog, and nothing else', async () => {
    await prepare(['a', 'b'], { soft_delete: 'remove' });
    await overwritten('c');
    await db.pool.query(`create table ${schema}.theirs (id text)`);
    expect(await relations()).toContain('_penstock_next_1_c');
    const { code, messages } = await run('teardown', ['a', 'c', 'never_made']);
    expect(code).toBe(0);
    expect(logs(messages)).toEqual([`Dropped 4 tables in schema "${schema}".`]);
    expect(await relations()).toEqual(['_penstock_deleted_b', 'b', 'theirs']);
  });

  it('drops all that Penstock made without a catalog, and the schema when nothing else is in it', async () => {
    await prepare(['a', 'b'], { soft_delete: 'remove' });
    await db.pool.query(`create table ${schema}.theirs (id text)`);
    expect(logs((await run('teardown')).messages)).toEqual([`Dropped 4 tables in schema "${schema}".`]);
    expect(await relations()).toEqual(['theirs']);
    await db.pool.query(`drop table ${schema}.theirs`);
    expect(logs((await run('teardown')).messages)).toEqual([
      `There was no table to drop in schema "${schema}", and the schema was dropped.`,
    ]);
    expect(await hasSchema()).toBe(false);
    expect((await run('teardown')).code).toBe(0);
  });

  it('leaves a schema that somebody else made', async () => {
    await db.pool.query(`create schema ${schema}`);
    await prepare(['a']);
    expect((await run('teardown')).code).toBe(0);
    expect(await relations()).toEqual([]);
    expect(await hasSchema()).toBe(true);
  });

  it('leaves a table whose comment was changed, and says so', async () => {
    await prepare(['a', 'b']);
    await db.pool.query(`comment on table ${schema}.a is 'Ours now'`);
    const { messages } = await run('teardown', ['a', 'b']);
    expect(logs(messages)[0]).toContain(`"${schema}"."a" stays`);
    expect(await relations()).toEqual(['a']);
  });

  it('drops nothing when a view depends on a table, and names it', async () => {
    await prepare(['a', 'b']);
    await db.pool.query(`create view ${schema}.report as select id from ${schema}.b`);
    const { code, messages } = await run('teardown');
    expect(code).toBe(20);
    expect(failure(messages)).toMatch(
      new RegExp(`view ${schema}.report depends on table ${schema}.b.*Nothing was dropped`),
    );
    expect(await relations()).toEqual(['a', 'b', 'report']);
  });

  it.each(['public', 'information_schema'])('refuses %s as a whole, and says what to do', async (shared) => {
    const { code, messages } = await run('teardown', undefined, { schema: shared });
    expect(code).toBe(20);
    expect(failure(messages)).toMatch(/not torn down as a whole.*--catalog/s);
  });

  it('drops the tables of a catalog in public', async () => {
    await prepare(['a', 'b'], { schema: 'public' });
    expect((await run('teardown', ['a'], { schema: 'public' })).code).toBe(0);
    expect(await relations('public')).toEqual(['b']);
  });

  it('drops nothing that belongs to another user, and says whose it is', async () => {
    await prepare(['a', 'b']);
    await db.pool.query(`create role owner_${schema}; alter table ${schema}.b owner to owner_${schema};
      create role poor_${schema} login password 'poor'; grant all on schema ${schema} to poor_${schema};
      alter table ${schema}.a owner to poor_${schema}`);
    const url = new URL(db.url);
    url.username = `poor_${schema}`;
    url.password = 'poor';
    const { code, messages } = await run('teardown', undefined, { url: url.href });
    expect(code).toBe(20);
    expect(failure(messages)).toContain(`belongs to user "owner_${schema}"`);
    expect(await relations()).toEqual(['a', 'b']);
    await db.pool.query(`drop owned by owner_${schema}, poor_${schema}; drop role owner_${schema}, poor_${schema}`);
  });
});
