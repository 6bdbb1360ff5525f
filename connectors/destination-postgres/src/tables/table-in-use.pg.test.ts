import { hangUp } from '@penstock/postgres-connection';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { connect } from '../connect/connection.ts';
import { newName, useTestDatabase } from '../testing/database.ts';
import { countBlocked, holdLocks } from '../testing/locks.ts';
import { oneStream, type StreamParts, withProperties } from '../testing/one-stream.ts';
import { whenTrue } from '../testing/when-true.ts';
import { outline, testStream } from '../testing/write-items.ts';
import { planTables } from './plan-tables.ts';
import { prepareTables } from './prepare-tables.ts';
import { LockPatience } from './transaction.ts';

const db = useTestDatabase();
const { write, query } = oneStream(db);

describe('tables that somebody else reads for long', () => {
  const later = withProperties({ id: { type: 'string' }, v: { type: 'integer' }, later: { type: 'integer' } });
  const few = withProperties({ id: { type: 'string' }, v: { type: 'integer' } });
  const hasty = { limits: { retry_seconds_max: 0.2 } };
  const hold = (name: string) => holdLocks(db, `lock table "${name}" in access share mode`);

  it('are written without their new columns, which the next run fills', async () => {
    const name = newName();
    await write(name, few, [{ id: '1', later: 1 }]);
    const release = await hold(name);
    const { messages, logged, results } = await write(name, later, [{ id: '2', later: 2 }], hasty);
    await release();
    expect(outline(messages)).toEqual([`${name}:result`]);
    expect(results[name]).toMatchObject({ created: 1 });
    expect(logged).toEqual([
      expect.stringMatching(
        /is written without its new columns \(later\): .* in use all the time for \d+ s: process \d+ \(user ".*in a transaction for \d+ s\)\. The next run adds them/,
      ),
    ]);
    expect((await write(name, later)).logged).toEqual([]);
    expect(await query(`select id, later from "${name}" order by id`)).toEqual([
      { id: '1', later: '1' },
      { id: '2', later: '2' },
    ]);
  });

  it.each([
    ['version', { stream: { newer_than_field: 'later', json_schema: { properties: {} } } }, {}],
    ['insert_only', later, { insert_only: ['later'] }],
  ])('are not written without a new column that is needed: %s', async (_, stream, options) => {
    const name = newName();
    await write(name, few, [{ id: '1', later: 1 }]);
    const release = await hold(name);
    const config = { ...hasty, streams: { [name]: options } };
    const { messages } = await write(name, stream, [{ id: '2', later: 2 }], config);
    await release();
    expect(messages).toEqual([
      expect.objectContaining({
        stream_status: expect.objectContaining({
          failure_type: 'transient',
          error: expect.stringMatching(
            /has to be changed before it can be written, and other sessions had it in use .*: process (\d+) .*pg_terminate_backend\(\1\)/,
          ),
        }),
      }),
    ]);
    expect(JSON.stringify(messages)).not.toContain('lock_timeout');
  });

  it('hold up other readers for about a second only, and get their columns when they are free', async () => {
    const name = newName();
    await write(name, few, [{ id: '1', later: 1 }]);
    const release = await hold(name);
    const run = write(name, later);
    await whenTrue(async () => (await countBlocked(db, 'alter table')) > 0);
    await db.pool
      .query(`begin; set local statement_timeout = 5000; select from "${name}"; commit`)
      .finally(() => release());
    expect((await run).logged).toEqual([]);
    expect(await query(`select later from "${name}"`)).toEqual([{ later: '1' }]);
  });

  it('share the time that is waited for them', async () => {
    const [a, b] = [newName(), newName()];
    const plansOf = (stream: StreamParts) =>
      planTables({ streams: [testStream(a, stream), testStream(b, stream)] }, config);
    const config = configSchema.parse({ url: db.url });
    const session = await connect(config);
    const logged: string[] = [];
    const put = (line: string) => void logged.push(line);
    const log = { debug: put, info: put, warn: put, error: put };
    await prepareTables(session, 'public', plansOf(few).plans, log);
    const release = await holdLocks(db, `lock table "${a}", "${b}" in access share mode`);
    try {
      // Enough for two tries at the first, with a pause between; the second gets one.
      await prepareTables(session, 'public', plansOf(later).plans, log, new LockPatience(3500));
    } finally {
      await release();
      await hangUp(session);
    }
    const waitedS = logged.map((line) => Number(/in use all the time for (\d+) s/.exec(line)?.[1]));
    expect(waitedS).toHaveLength(2);
    expect(waitedS[1]).toBeLessThan(waitedS[0]!);
  });
});
