import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import type { SyncState } from '@penstock/protocol';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { LEASE_RENEWAL_MS } from './lease.ts';
import { postgresStateStore } from './postgres-state-store.ts';
import { exampleState } from './testing.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('drop schema if exists penstock cascade');
});

const store = () => postgresStateStore({ url: database.url });

async function saved(state: SyncState, pipeline = 'p'): Promise<void> {
  const session = await store().open(pipeline);
  await session.save(state);
  await session.close();
}

/** Ends the lease as if its holder had not renewed it in time. */
const expireLease = () =>
  database.pool.query("update penstock.lease set expires_at = clock_timestamp() - interval '1 s'");

it('knows nothing of a pipeline that never ran, and makes no tables by asking', async () => {
  expect(await store().load('p')).toBeUndefined();
  expect(await store().list()).toEqual([]);
  const { rows } = await database.pool.query("select to_regnamespace('penstock') as made");
  expect(rows).toEqual([{ made: null }]);
});

it('gives back exactly what was saved, whatever stands in it', async () => {
  const state = exampleState({
    customers: { z: 1, a: { nul: '\u0000', lone: '\ud800', emoji: '🦆' }, remaining: [] },
    'Odd "name"; --': null,
  });
  await saved(state);
  expect(await store().load('p')).toEqual(state);
  const { rows } = await database.pool.query(
    "select data::text from penstock.sync_state where stream = 'customers' and section = 'source_stream'",
  );
  expect(rows[0].data).toBe(JSON.stringify(state.source.streams.customers));
});

it('keeps what connectors found out about their configs, a row for each side, until the state is reset', async () => {
  const resolved_config = {
    source: { given: 'scrypt:a:b', config: { account: 'acct_1' }, secret_keys: ['webhook_secret'] },
    destination: { given: 'scrypt:c:d', config: {} },
  };
  await saved({ ...exampleState({ a: 1 }), resolved_config });
  expect((await store().load('p'))?.resolved_config).toEqual(resolved_config);
  const { rows } = await database.pool.query(
    "select stream from penstock.sync_state where section = 'resolved_config' order by stream",
  );
  expect(rows.map(({ stream }) => stream)).toEqual(['destination', 'source']);
  expect(await store().resetStreams('p', ['source', ''])).toEqual([]);
  expect((await store().load('p'))?.resolved_config).toEqual(resolved_config);
  expect(await store().reset('p')).toBe(true);
  expect(await store().load('p')).toBeUndefined();
});

it('writes only the rows that changed, and removes those that are gone', async () => {
  const session = await store().open('p');
  const first = exampleState({ a: 1, b: 2 });
  await session.save(first);
  const stamps = async () => {
    const { rows } = await database.pool.query('select section, stream, updated_at::text from penstock.sync_state');
    return new Map<string, string>(rows.map((row) => [`${row.section}/${row.stream}`, row.updated_at]));
  };
  const before = await stamps();
  await session.save({ ...first, source: { ...first.source, streams: { a: 10, b: 2 } } });
  const after = await stamps();
  expect([...after].filter(([key, at]) => before.get(key) !== at).map(([key]) => key)).toEqual(['source_stream/a']);
  const { a } = first.sync_run.progress.streams;
  await session.save({
    ...first,
    sync_run: { ...first.sync_run, progress: { ...first.sync_run.progress, streams: { a: a! } } },
  });
  expect([...(await stamps()).keys()].sort()).toEqual(
    ['destination/', 'source_global/', 'source_stream/a', 'source_stream/b', 'sync_run/', 'sync_run/a'].sort(),
  );
  await session.close();
});

it('refuses a second engine with who holds the pipeline since when, and lets others run another one', async () => {
  const session = await store().open('p');
  await session.save(exampleState({ a: 1 }));
  await expect(store().open('p')).rejects.toMatchObject({
    code: 'lease_held',
    message: expect.stringMatching(new RegExp(`pipeline "p": process ${process.pid} on ${hostname()}, since 20.*Z`)),
  });
  await expect(store().reset('p')).rejects.toMatchObject({ code: 'lease_held' });
  expect(await store().list()).toMatchObject([
    { pipeline: 'p', streamCount: 1, holder: { pid: process.pid, host: hostname() } },
  ]);
  await (await store().open('q')).close();
  await session.close();
  await (await store().open('p')).close();
});

it('gives the lease of two engines that start at once to one of them', async () => {
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => store().open('p')));
  const opened = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  expect(opened).toHaveLength(1);
  const state = exampleState({ a: 1 });
  await opened[0]!.value.save(state);
  await opened[0]!.value.close();
});

it('takes over at once from an engine that was killed, ten times in a row', async () => {
  const program = `
import { postgresStateStore } from ${JSON.stringify(join(import.meta.dirname, 'postgres-state-store.ts'))};
    const session = await postgresStateStore({ url: process.env.STATE_URL }).open('p');
    console.log(session.previous === undefined ? 'new' : 'known');
    setInterval(() => {}, 1000);`;
  for (let round = 0; round < 10; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, STATE_URL: database.url },
    });
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    expect(child.exitCode).toBeNull();
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  await saved(exampleState({ a: 1 }));
  const { rows } = await database.pool.query('select epoch from penstock.lease');
  expect(rows).toEqual([{ epoch: '11' }]);
});

it('rejects every write of an engine whose lease was taken over, and keeps what the new one saved', async () => {
  const old = await store().open('p');
  await old.save(exampleState({ a: 'old' }));
  await expireLease();
  const taken = await store().open('p');
  expect(taken.previous?.source.streams).toEqual({ a: 'old' });
  await taken.save(exampleState({ a: 'new' }));
  await expect(old.save(exampleState({ a: 'older', b: 1 }))).rejects.toMatchObject({
    code: 'lease_held',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  expect(old.lost.reason).toMatchObject({ code: 'lease_held' });
  await expect(old.save(exampleState({ a: 'again' }))).rejects.toMatchObject({ code: 'lease_held' });
  await old.close();
  expect((await store().load('p'))?.source.streams).toEqual({ a: 'new' });
  // The old one giving up must not take the lease from the new one.
  await expect(store().open('p')).rejects.toMatchObject({ code: 'lease_held' });
  await taken.close();
});

it('learns from the next renewal that its lease was taken over, without saving anything', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const old = await store().open('p');
    await expireLease();
    const taken = await store().open('p');
    const lost = once(old.lost, 'abort');
    vi.advanceTimersByTime(LEASE_RENEWAL_MS);
    await lost;
    expect(old.lost.reason).toMatchObject({ code: 'lease_held' });
    expect(taken.lost.aborted).toBe(false);
    await old.close();
    await taken.close();
  } finally {
    vi.useRealTimers();
  }
});

it('renews its lease, so that it does not expire while the engine works', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    const session = await store().open('p');
    await expireLease();
    vi.advanceTimersByTime(LEASE_RENEWAL_MS);
    const isRenewed = async () => {
      const { rows } = await database.pool.query(
        'select expires_at > clock_timestamp() as renewed from penstock.lease',
      );
      return rows[0].renewed;
    };
    await vi.waitUntil(isRenewed, { timeout: 60_000 });
    await session.close();
  } finally {
    vi.useRealTimers();
  }
});

it('goes on after its connection broke, as the same holder', async () => {
  const session = await store().open('p');
  await session.save(exampleState({ a: 1 }));
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'penstock state' and datname = current_database()",
  );
  await session.save(exampleState({ a: 2 }));
  await expect(store().open('p')).rejects.toMatchObject({ code: 'lease_held' });
  expect(session.lost.aborted).toBe(false);
  await session.close();
  expect((await store().load('p'))?.source.streams).toEqual({ a: 2 });
});

it('ends with an error that names the server but not the password when it stays away', async () => {
  const url = new URL(database.url);
  const role = `writer_${process.pid}`;
  await database.pool.query(
    `create role ${role} login password 'pass-word-1'; create schema penstock authorization ${role}`,
  );
  url.username = role;
  url.password = 'pass-word-1';
  try {
    const session = await postgresStateStore({ url: url.href, retryMs: 50 }).open('p');
    await database.pool.query(`alter role ${role} nologin`);
    await database.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
    const error = await session.save(exampleState({ a: 1 })).catch((thrown) => thrown);
    expect(error.message).toContain(`${url.hostname}:${url.port}${url.pathname}`);
    expect(error.text).not.toContain('pass-word-1');
    expect(session.lost.reason).toBe(error);
    await session.close();
  } finally {
    await database.pool.query(`drop schema penstock cascade; drop role ${role}`);
  }
});

it('names host, port and database when nothing listens there', async () => {
  const nowhere = postgresStateStore({ url: 'postgres://me:pass-word-1@127.0.0.1:1/state' });
  const error = await nowhere.open('p').catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'state_store_unreachable', exitCode: 50 });
  expect(error.message).toContain('127.0.0.1:1/state');
  expect(error.text).not.toContain('pass-word-1');
});

it('tells a wrong password, a missing database, a missing permission and a URL that is none apart', async () => {
  const role = `reader_${process.pid}`;
  await database.pool.query(`create role ${role} login password 'right-one'`);
  try {
    const as = (password: string, pathname?: string) => {
      const url = new URL(database.url);
      url.username = role;
      url.password = password;
      if (pathname !== undefined) url.pathname = pathname;
      return postgresStateStore({ url: url.href }).open('p');
    };
    await expect(as('wrong-one')).rejects.toMatchObject({
      code: 'credentials_refused',
      exitCode: 20,
      message: expect.not.stringContaining('wrong-one'),
    });
    await expect(as('right-one', '/not_there')).rejects.toMatchObject({ code: 'config_invalid' });
    await expect(as('right-one')).rejects.toMatchObject({ code: 'permission_missing', exitCode: 20 });
    expect(() => postgresStateStore({ url: 'not a url' })).toThrow("can't be used");
  } finally {
    await database.pool.query(`drop role ${role}`);
  }
});

it('names the row that is not valid, keeps it, and a reset gets rid of it', async () => {
  await saved(exampleState({ a: 1 }));
  await database.pool.query(
    `update penstock.sync_state set data = '{"status": "asleep"}' where section = 'sync_run' and stream = 'a'`,
  );
  const error = await store()
    .open('p')
    .catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'state_invalid', remedy: expect.stringContaining('--reset-state') });
  expect(error.message).toContain('pipeline "p"');
  expect(error.message).toContain('sync_run.progress.streams.a.status');
  expect(await store().reset('p')).toBe(true);
  expect(await store().load('p')).toBeUndefined();
  expect(await store().reset('p')).toBe(false);
});

it('forgets some streams and keeps the others', async () => {
  await saved(exampleState({ a: 1, b: 2 }));
  expect(await store().resetStreams('p', ['a', '', 'c'])).toEqual(['a']);
  const state = await store().load('p');
  expect(state?.source.streams).toEqual({ b: 2 });
  expect(Object.keys(state?.sync_run.progress.streams ?? {})).toEqual(['b']);
});

it('keeps state in the schema that it is given, also one whose name needs quoting', async () => {
  const other = postgresStateStore({ url: database.url, schema: 'My "State"' });
  const session = await other.open('p');
  await session.save(exampleState({ a: 1 }));
  await session.close();
  expect(await other.list()).toMatchObject([{ pipeline: 'p' }]);
  expect(await store().list()).toEqual([]);
});

it('puts a state in the place of whatever is there, also of rows that are not valid, and not while an engine works', async () => {
  await saved(exampleState({ a: 1, b: 2 }));
  await database.pool.query(`update penstock.sync_state set data = '7' where section = 'sync_run' and stream = ''`);
  const state = exampleState({ b: { z: 1, a: 2 }, c: 3 }, 'run_2');
  await store().replace('p', state);
  expect(await store().load('p')).toEqual(state);
  const session = await store().open('p');
  await expect(store().replace('p', exampleState({}))).rejects.toMatchObject({ code: 'lease_held' });
  await session.close();
});
