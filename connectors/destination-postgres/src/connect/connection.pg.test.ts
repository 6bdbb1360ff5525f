import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outline, record, testStream, writeItems } from '../testing/write-items.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
  const name = new URL(db.url).pathname.slice(1);
  for (const setting of [
    `timezone = 'Asia/Tokyo'`,
    `default_transaction_isolation = 'repeatable read'`,
    `synchronous_commit = off`,
    `idle_in_transaction_session_timeout = 50`,
  ])
    await db.pool.query(`alter database ${name} set ${setting}`);
});
afterAll(() => db.drop());

async function whenTrue(sql: string): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!(await db.pool.query(`select ${sql} as is_true`)).rows[0].is_true) {
    if (Date.now() > giveUpAt) throw new Error(`It did not become true within a minute: ${sql}`);
    await delay(5);
  }
}

describe('with other defaults in the database', () => {
  it('a batch sees what the one before it buried, and waits for its turn as long as that takes', async () => {
    const stream = testStream('objects');
    const limits = { batch_records_max: 1, unstaged_records_max: 0 };
    const config = { url: db.url, soft_delete: 'remove', limits };
    await writeItems({ config, streams: [stream], input: [[record('objects', { id: 'a', v: 1 })]] });
    const blocker = await db.pool.connect();
    await blocker.query(
      `set idle_in_transaction_session_timeout = 0; begin; lock table objects in share row exclusive mode`,
    );
    const run = writeItems({
      config,
      streams: [stream],
      input: [[record('objects', { id: 'a', v: 5, deleted: true }), record('objects', { id: 'a', v: 4 })]],
    });
    const ours = `select from pg_stat_activity where application_name = 'penstock' and datname = current_database()`;
    await whenTrue(`exists (${ours} and wait_event_type = 'Lock') and exists (${ours} and state = 'idle in transaction'
      and state_change < clock_timestamp() - interval '100 ms')`);
    await blocker.query('rollback');
    blocker.release();
    const { logged, results } = await run;
    expect(logged).toEqual([]);
    expect(results.objects).toEqual({ created: 0, updated: 0, deleted: 1, skipped: 1 });
    expect((await db.pool.query('select from objects')).rows).toEqual([]);
  });

  it('a time without an offset is the same in a merge and in a column that is filled later', async () => {
    const data = { id: 'a', v: 1, at: '2024-06-01T12:00:00' };
    const withTimes = (properties: object) => testStream('times', { stream: { json_schema: { properties } } });
    const at = { type: 'string', format: 'date-time' };
    await writeItems({ config: { url: db.url }, streams: [withTimes({})], input: [[record('times', data)]] });
    const later = [record('times', { ...data, id: 'b' })];
    const { messages } = await writeItems({ config: { url: db.url }, streams: [withTimes({ at })], input: [later] });
    expect(outline(messages)).toEqual(['times:result']);
    const { rows } = await db.pool.query('select at from times');
    expect(rows).toEqual([{ at: new Date('2024-06-01T12:00:00Z') }, { at: new Date('2024-06-01T12:00:00Z') }]);
  });
});
