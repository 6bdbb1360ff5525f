import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RestartableServer, startRestartableServer, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confirmedOf, countedItems, expectAllStored, expectConfirmedRows } from '../testing/counted-run.ts';
import { outline, testStream, writeItems } from '../testing/write-items.ts';

/** A server of its own: what happens to it must not happen to other tests. */
let server: RestartableServer;
let db: TestDatabase;

beforeAll(async () => {
  server = await startRestartableServer();
  const pool = new pg.Pool({ connectionString: server.url, max: 2 });
  pool.on('error', () => {}); // tests end connections on purpose
  db = { url: server.url, pool, drop: () => pool.end() };
});
afterAll(async () => {
  await db.drop();
  await server.remove();
});

let count = 0;
const limits = {
  batch_records_max: 20,
  retries_max: 100,
  retry_seconds_max: 20,
  silence_seconds_max: 0.3,
  connect_seconds_max: 0.5,
};

/** Writes while something happens to the server once the first checkpoint is out, and the source goes on meanwhile. */
async function writeWhile(happen: () => Promise<unknown>, more: object = {}) {
  const run = { stream: `f${++count}`, total: 400 };
  const messages: Awaited<ReturnType<typeof writeItems>>['messages'] = [];
  const confirmed = Promise.withResolvers<void>();
  const done = confirmed.promise.then(happen);
  const written = await writeItems({
    config: { url: server.url, limits: { ...limits, ...more } },
    streams: [testStream(run.stream)],
    onMessage: (item) => {
      messages.push(item);
      if (item.type === 'source_state') confirmed.resolve();
    },
    input: (async function* () {
      for (const items of countedItems(run)) {
        yield items;
        await delay(1);
      }
      await done;
    })(),
  }).catch((failure: unknown) => ({ failure }));
  await done;
  return { run, messages, written };
}

async function pids(): Promise<number[]> {
  const postmaster = Number((await readFile(join(server.data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const { rows } = await db.pool.query<{ pid: number }>(
    'select pid from pg_stat_activity where pid <> pg_backend_pid()',
  );
  return [postmaster, ...rows.map(({ pid }) => pid)];
}

function signal(name: NodeJS.Signals, to: readonly number[]): void {
  for (const pid of to) {
    try {
      process.kill(pid, name);
    } catch {} // it ended meanwhile
  }
}

const restart = async () => {
  await server.stop();
  await server.start();
};

const survived: readonly (readonly [what: string, happen: () => Promise<unknown>])[] = [
  ['is restarted', restart],
  [
    'loses a process by SIGKILL, and recovers',
    async () =>
      signal(
        'SIGKILL',
        (await db.pool.query(`select pid from pg_stat_activity where application_name = 'penstock'`)).rows.map(
          ({ pid }) => pid,
        ),
      ),
  ],
  [
    'is killed as a whole, and started again',
    async () => {
      signal('SIGKILL', await pids());
      await server.stop();
      await server.start();
    },
  ],
  [
    'stands still for a while',
    async () => {
      const all = await pids();
      signal('SIGSTOP', all);
      await delay(1500);
      signal('SIGCONT', all);
    },
  ],
  [
    'becomes a standby, and is promoted later',
    async () => {
      await server.stop();
      await writeFile(join(server.data, 'standby.signal'), '');
      await server.start();
      expect((await db.pool.query('select pg_is_in_recovery() as is_standby')).rows).toEqual([{ is_standby: true }]);
      await delay(500);
      await db.pool.query('select pg_promote()');
    },
  ],
];

describe('a server that', () => {
  it.each(survived)('%s takes all that was sent', async (_, happen) => {
    const { run, written } = await writeWhile(happen);
    if ('failure' in written) throw written.failure;
    await expectAllStored(db, run, written);
    expect(written.logged).not.toEqual([]);
  });

  it('stands still for good ends the run, and no checkpoint came without its rows', async () => {
    let all: number[] = [];
    const { run, messages, written } = await writeWhile(
      async () => {
        all = await pids();
        signal('SIGSTOP', all);
      },
      { retries_max: 1 },
    );
    signal('SIGCONT', all);
    expect(written).toMatchObject({ failure: { code: 'unreachable' } });
    expect(confirmedOf(messages, run.stream)).not.toEqual([]);
    await expectConfirmedRows(db, run, messages);
  });

  it('is a standby is refused before anything is read', async () => {
    await server.stop();
    await writeFile(join(server.data, 'standby.signal'), '');
    await server.start();
    const written = writeItems({ config: { url: server.url }, streams: [testStream('fresh')], input: [] });
    await expect(written).rejects.toMatchObject({ message: expect.stringContaining('takes no writes') });
    const known = writeItems({
      config: { url: server.url, limits: { retries_max: 1 } },
      streams: [testStream('f1')],
      input: [...countedItems({ stream: 'f1', total: 1 })],
    });
    await expect(known).rejects.toMatchObject({ code: 'unreachable', remedy: expect.stringContaining('primary') });
    await db.pool.query('select pg_promote()');
  });

  it('admits fewer connections than wanted gets all by those', async () => {
    await db.pool.query(`create role few login password 'few' connection limit 1; grant all on schema public to few`);
    const url = new URL(server.url);
    url.username = 'few';
    url.password = 'few';
    const run = { stream: 'few', total: 200 };
    const written = await writeItems({
      config: { url: url.href, connections: 3, limits: { batch_records_max: 20 } },
      streams: [testStream('few')],
      input: countedItems(run),
    });
    await expectAllStored(db, run, written);
    expect(written.logged).toEqual([expect.stringContaining('admits no more than 1 of the 3 `connections`')]);
    expect(outline(written.messages).filter((word) => !word.endsWith('result'))).toHaveLength(40);
  });
});
