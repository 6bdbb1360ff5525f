import { createTestDatabase } from '@penstock/local-postgres/testing';
import { describe, expect, it } from 'vitest';
import { confirmedOf } from '../testing/counted-run.ts';
import { useTestDatabase } from '../testing/database.ts';
import { createTestRole, dropTestRole } from '../testing/interrupted-run.ts';
import { countBlocked } from '../testing/locks.ts';
import { whenTrue } from '../testing/when-true.ts';
import { checkpoint, outline, record, status, testStream, writeItems } from '../testing/write-items.ts';

const db = useTestDatabase();

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
    await whenTrue(async () => (await countBlocked(db)) > 0);
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
        await whenTrue(() => seen.includes('gone:1'));
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
        await whenTrue(() => seen.includes('last:1'));
        await db.pool.query('drop table last');
        yield [record('last', { id: 'b', v: 1 }), checkpoint('last', 2), status('last', 'complete')];
        await whenTrue(() => seen.includes('last:error'));
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
