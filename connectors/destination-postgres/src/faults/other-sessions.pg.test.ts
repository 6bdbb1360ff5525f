import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confirmedOf } from '../testing/counted-run.ts';
import { createTestRole, dropTestRole } from '../testing/interrupted-run.ts';
import { checkpoint, outline, record, status, testStream, writeItems } from '../testing/write-items.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

async function whenBlocked(): Promise<void> {
  const sql = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and application_name = 'penstock'`;
  while ((await db.pool.query(sql)).rows.length === 0) await delay(5);
}

describe('another session', () => {
  it('that ends up in a deadlock with a batch costs it one more try', async () => {
    const role = await createTestRole(db);
    // Each looks once, after so long a wait, and loses when it finds a deadlock: the batch must look last of those who wait.
    await db.pool.query(`alter role ${role.name} set deadlock_timeout = 300`);
    const stream = testStream('locked');
    const config = { url: role.url, schema: role.schema };
    const version = (v: number) => ['1', '2'].map((id) => record('locked', { id, v, name: `${v}` }));
    await writeItems({ config, streams: [stream], input: [version(1)] });
    const other = await db.pool.connect();
    await other.query(
      `set deadlock_timeout = '1min'; begin; update ${role.schema}.locked set name = 'other' where id = '2'`,
    );
    const run = writeItems({ config, streams: [stream], input: [[...version(2), checkpoint('locked', 1)]] });
    await whenBlocked();
    // The other way round a batch would wait for the first row, and there would be no deadlock.
    await other.query(`update ${role.schema}.locked set name = 'other' where id = '1'`);
    await other.query('commit');
    other.release();
    const { logged, messages, results } = await run;
    expect(logged).toEqual([expect.stringMatching(/deadlock detected/)]);
    expect(confirmedOf(messages, 'locked')).toEqual([1]);
    expect(results.locked).toMatchObject({ updated: 2 });
    const { rows } = await db.pool.query(`select name from ${role.schema}.locked`);
    expect(rows).toEqual([{ name: '2' }, { name: '2' }]);
    await dropTestRole(db, role);
  });

  it('that drops the whole database ends the run with the reason', async () => {
    const other = await createTestDatabase();
    const seen: string[] = [];
    const run = writeItems({
      config: { url: other.url },
      streams: [testStream('gone')],
      onMessage: (item) => seen.push(...outline([item])),
      input: (async function* () {
        yield [record('gone', { id: 'a', v: 1 }), checkpoint('gone', 1)];
        while (!seen.includes('gone:1')) await delay(5);
        await other.drop();
        yield [record('gone', { id: 'b', v: 1 }), checkpoint('gone', 2)];
      })(),
    });
    await expect(run).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('no database'),
    });
    expect(seen).toEqual(['gone:result', 'gone:1']);
  });
});

describe('a stream that failed while it was written', () => {
  it('has said its last word, whatever the source says later', async () => {
    const seen: string[] = [];
    const { messages } = await writeItems({
      config: { url: db.url },
      streams: [testStream('last'), testStream('next')],
      onMessage: (item) => seen.push(...outline([item])),
      input: (async function* () {
        yield [status('last', 'start'), record('last', { id: 'a', v: 1 }), checkpoint('last', 1)];
        while (!seen.includes('last:1')) await delay(5);
        await db.pool.query('drop table last');
        yield [record('last', { id: 'b', v: 1 }), checkpoint('last', 2), status('last', 'complete')];
        while (!seen.includes('last:error')) await delay(5);
        yield [record('last', { id: 'c', v: 1 }), checkpoint('last', 3), status('last', 'complete')];
        yield [record('next', { id: 'a', v: 1 }), checkpoint('next', 1), status('next', 'complete')];
      })(),
    });
    expect(outline(messages).filter((word) => word.startsWith('last'))).toEqual([
      'last:start',
      'last:result',
      'last:1',
      'last:error',
    ]);
    expect(seen.slice(-2)).toEqual(['next:1', 'next:complete']);
  });
});
