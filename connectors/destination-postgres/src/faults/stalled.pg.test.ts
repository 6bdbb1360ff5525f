import { describe, expect, it } from 'vitest';
import { confirmedOf, countedItems, expectAllStored, writeCounted } from '../testing/counted-run.ts';
import { newName, useTestDatabase } from '../testing/database.ts';
import { countBlocked, holdLocks } from '../testing/locks.ts';
import type { PassingMessage, PostgresProxy } from '../testing/postgres-proxy.ts';
import { answerTo, asks, once, says, throughProxy } from '../testing/proxy-rules.ts';
import { whenTrue } from '../testing/when-true.ts';
import { checkpoint, record, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

const limits = { silence_seconds_max: 0.1, connect_seconds_max: 1, unstaged_records_max: 0, retries_max: 2 };
const writing = (message: PassingMessage) => message.connection > 1;
const merges = asks(/\binsert into "public"\."t\d+"/);
const commits = (message: PassingMessage) => writing(message) && says('Q', /^commit/)(message);

const phases: readonly (readonly [what: string, when: () => (message: PassingMessage) => boolean])[] = [
  ['before the stage is made', () => asks(/create temp table/)],
  ['in COPY', () => (message) => message.from === 'client' && message.type === 'd'],
  ['before the merge', () => merges],
  ['when the commit is done', () => answerTo(commits)],
];

describe('a network that passes nothing on any more', () => {
  it.each(phases)('%s is noticed, and another connection used', async (_, when) => {
    const run = { stream: newName(), total: 10 };
    await throughProxy(db.url, once('stall', when()), async (url) => {
      const written = await writeCounted(run, { url, connections: 1, limits });
      expect(written.logged).toEqual([
        expect.stringMatching(/nothing came from Postgres for 0\.1 s, and it (waits for us|no longer knows this)/),
      ]);
      await expectAllStored(db, run, written);
    });
  });

  it('while tables are prepared is noticed, and another connection used', async () => {
    const run = { stream: newName(), total: 10 };
    await throughProxy(db.url, once('stall', asks(/create table/)), async (url) => {
      const written = await writeCounted(run, { url, connections: 1, limits });
      expect(written.logged).toEqual([expect.stringMatching(/^Preparing the tables is tried again.*nothing came/)]);
      await expectAllStored(db, run, written);
    });
  });

  it('while it connects ends after the time for that', async () => {
    const failed = throughProxy(
      db.url,
      once('stall', ({ from }) => from === 'server'),
      (url) => writeCounted({ stream: newName(), total: 10 }, { url, limits: { ...limits, connect_seconds_max: 0.3 } }),
    );
    await expect(failed).rejects.toMatchObject({ code: 'unreachable', message: expect.stringContaining('0.3 s') });
  });

  it('for all connections ends the run with the reason, and no checkpoint without its rows', async () => {
    const stream = newName();
    const seen: Parameters<typeof confirmedOf>[0][number][] = [];
    await throughProxy(db.url, {}, async (url, proxy) => {
      const failed = writeItems({
        config: { url, limits: { ...limits, connect_seconds_max: 0.3, batch_records_max: 500 } },
        streams: [testStream(stream)],
        onMessage: (item) => {
          seen.push(item);
          if (item.type === 'source_state') proxy.rule({ onMessage: () => 'stall' });
        },
        input: countedItems({ stream, total: 10_000 }),
      });
      await expect(failed).rejects.toMatchObject({ code: 'unreachable' });
    });
    const { rows } = await db.pool.query(`select count(*)::int as count from "${stream}"`);
    expect(rows[0].count).toBeGreaterThanOrEqual(confirmedOf(seen, stream).at(-1)!);
  });
});

describe('a server that is at work for long', () => {
  it('behind a lock is waited for, and says what it waits for', async () => {
    const stream = newName();
    await writeItems({ config: { url: db.url }, streams: [testStream(stream)], input: [] });
    const blocker = await db.pool.connect();
    await blocker.query(`begin; lock table "${stream}" in access exclusive mode`);
    const { rows } = await blocker.query<{ pid: number }>('select pg_backend_pid() as pid');
    const { logged, messages } = await writeItems({
      config: { url: db.url, limits },
      streams: [testStream(stream)],
      onLog: () => void blocker.query('rollback').then(() => blocker.release()),
      input: [[record(stream, { id: 'a', v: 1 }), checkpoint(stream, 1)]],
    });
    expect(logged).toEqual([
      expect.stringMatching(
        `working on one statement for 0 s: it waits for Lock relation, held by process ${rows[0]!.pid}`,
      ),
    ]);
    expect(confirmedOf(messages, stream)).toEqual([1]);
  });
});

describe('a process of the server that was lost', () => {
  it('writes nothing any more once its batch is written by another', async () => {
    const stream = newName();
    const noVersion = testStream(stream, { stream: { newer_than_field: undefined } });
    await writeItems({ config: { url: db.url }, streams: [noVersion], input: [] });
    const release = await holdLocks(db, `lock table "${stream}" in share mode`);
    let stalled: PostgresProxy | undefined;
    await throughProxy(db.url, {}, async (url, proxy) => {
      stalled = proxy;
      const { messages } = await writeItems({
        config: { url, connections: 1, limits: { batch_records_max: 1 } },
        streams: [noVersion],
        // Its first try stands behind the lock, on a server that doesn't notice that nobody listens any more.
        onLog: () => void release(),
        input: (async function* () {
          yield [
            record(stream, { id: 'a', name: 'first' }),
            record(stream, { id: 'a', name: 'second' }),
            checkpoint(stream, 2),
          ];
          await whenTrue(async () => (await countBlocked(db)) > 0);
          await proxy.cutAll();
        })(),
      });
      expect(confirmedOf(messages, stream)).toEqual([2]);
    });
    expect(stalled).toBeDefined();
    const { rows } = await db.pool.query(`select name from "${stream}"`);
    expect(rows).toEqual([{ name: 'second' }]);
  });
});
