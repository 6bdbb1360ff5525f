import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { connect } from '../connect/connection.ts';
import { lines, runProgram } from '../testing/run-program.ts';
import { testStream } from '../testing/write-items.ts';
import { checkRights } from './check-rights.ts';

let db: TestDatabase;
let database: string;
beforeAll(async () => {
  db = await createTestDatabase();
  database = new URL(db.url).pathname.slice(1);
  await db.pool.query(`revoke temporary on database ${database} from public`);
});
afterAll(() => db.drop());

let role: string;
let url: string;
let count = 0;
beforeEach(async () => {
  // Roles belong to the whole server, which other tests use too.
  role = `role_${database}_${++count}`;
  await db.pool.query(`create role ${role} login password 'poor'`);
  const poor = new URL(db.url);
  poor.username = role;
  poor.password = 'poor';
  url = poor.href;
  return async () => {
    await db.pool.query(`drop owned by ${role} cascade; drop role ${role}`);
  };
});

async function check(
  schema: string,
  more = '',
): Promise<{ error?: { code: string; text: string }; notes?: readonly string[] }> {
  const session = await connect(configSchema.parse({ url: url + more, schema }));
  try {
    return { notes: (await checkRights(session, { schema })).notes };
  } catch (error) {
    return { error: error as { code: string; text: string } };
  } finally {
    await session.end();
  }
}

/** The SQL that an error names. */
const sqlOf = (text: string) => [...text.matchAll(/Run: (.*?)(?=; Run:|\.?\s*$)/gs)].map((match) => match[1]!);

describe('what is missing', () => {
  it('is named all at once, with SQL that mends each, until writing works', async () => {
    const { error } = await check('new place');
    expect(error).toMatchObject({ code: 'permission_missing' });
    expect(error?.text).toMatch(/may not create it.*temporary tables/s);
    const sql = sqlOf(error!.text);
    expect(sql).toHaveLength(2);
    for (const statement of sql) await db.pool.query(statement);
    expect(await check('new place')).toEqual({ notes: [] });
    const { code } = await runProgram(
      { command: 'write', config: { url, schema: 'new place' }, streams: [testStream('a')] },
      lines.record('a', { id: '1' }) + lines.complete('a'),
    );
    expect(code).toBe(0);
  });

  it.each([
    [['usage'], 'create'],
    [['create'], 'usage'],
    [[], 'usage, create'],
  ])('on a schema that is there, with %j granted, is %s', async (granted, missing) => {
    const schema = `place_${role}`.slice(-40);
    await db.pool.query(`create schema ${schema}; grant temporary on database ${database} to ${role}`);
    for (const right of granted) await db.pool.query(`grant ${right} on schema ${schema} to ${role}`);
    const { error } = await check(schema);
    expect(sqlOf(error!.text)).toEqual([`grant ${missing} on schema "${schema}" to "${role}"`]);
    await db.pool.query(sqlOf(error!.text)[0]!);
    expect(await check(schema)).toEqual({ notes: [] });
  });

  it('are writable transactions, wherever they were switched off', async () => {
    await db.pool.query(
      `grant temporary, create on database ${database} to ${role}; alter role ${role} set default_transaction_read_only = on`,
    );
    const { error } = await check('x');
    expect(error).toMatchObject({ code: 'config_invalid' });
    for (const statement of sqlOf(error!.text)) await db.pool.query(statement);
    expect(await check('x')).toEqual({ notes: [] });
    const { error: ofUrl } = await check('x', `?options=${encodeURIComponent('-c default_transaction_read_only=on')}`);
    expect(ofUrl?.text).toContain('out of `url`');
  });

  it('can not be granted in a schema of Postgres itself', async () => {
    await db.pool.query(`grant temporary, create on database ${database} to ${role}`);
    expect((await check('information_schema')).error?.text).toContain('Choose another `schema`');
  });
});

describe('tables of another user', () => {
  it('are named with the grant that is enough to write them, then with what else takes their owner', async () => {
    const schema = `owned_${count}`;
    const write = (streams: string[], id: string, config: object = {}) =>
      runProgram(
        { command: 'write', config: { url, schema, ...config }, streams: streams.map((name) => testStream(name)) },
        streams.map((name) => lines.record(name, { id }) + lines.complete(name)).join(''),
      );
    await runProgram({
      command: 'setup',
      config: { url: db.url, schema },
      streams: [testStream('a'), testStream('b')],
    });
    await db.pool.query(`create role boss_${role}; alter table ${schema}.a owner to boss_${role}; alter table ${schema}.b owner to ${role};
      grant temporary, create on database ${database} to ${role}; grant all on schema ${schema} to ${role}, boss_${role}`);
    const table = `"${schema}"."a"`;
    const { notes } = await check(schema);
    const [grant, alter] = [...notes!.join(' ').matchAll(/run: (.*?);/g)].map((match) => match[1]!);
    expect(notes).toHaveLength(1);
    expect(grant).toBe(`grant select, insert, update, delete on ${table} to "${role}"`);
    await db.pool.query(grant!);
    expect(await write(['a', 'b'], '1', { index: 'none' })).toMatchObject({ code: 0 });
    expect((await check(schema)).notes).toEqual([expect.not.stringContaining('grant')]);
    expect(alter).toBe(`alter table ${table} owner to "${role}"`);
    await db.pool.query(alter!);
    expect(await check(schema)).toEqual({ notes: [] });
    expect(await write(['a'], '2')).toMatchObject({ code: 0 });
    await db.pool.query(`drop owned by boss_${role} cascade; drop role boss_${role}`);
  });
});
