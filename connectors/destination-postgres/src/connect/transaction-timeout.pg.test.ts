import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { configSchema } from '../config.ts';
import { newName } from '../testing/database.ts';
import { holdLocks } from '../testing/locks.ts';
import { findPgBouncer, startPgBouncer } from '../testing/pgbouncer.ts';
import { whenTrue } from '../testing/when-true.ts';
import { outline, record, status, testStream, writeItems } from '../testing/write-items.ts';
import { connect } from './connection.ts';

const timeoutMs = 1000;

if (inject('postgresVersion') >= 17) describe('a limit on the time of a transaction', testLimit);
else
  it('a limit on the time of a transaction is not asked of a server that does not know it', async () => {
    const db = await createTestDatabase();
    const session = await connect(configSchema.parse({ url: db.url }));
    expect((await session.query("select current_setting('transaction_timeout', true) as value")).rows).toEqual([
      { value: null },
    ]);
    await session.end();
    await db.drop();
  });

function testLimit(): void {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
    const name = new URL(db.url).pathname.slice(1);
    await db.pool.query(`alter database ${name} set transaction_timeout = '${timeoutMs}ms'`);
  });
  afterAll(() => db.drop());

  async function limitOf(url: string): Promise<string> {
    const session = await connect(configSchema.parse({ url }));
    try {
      await session.begin();
      const { rows } = await session.query<{ transaction_timeout: string }>('show transaction_timeout');
      await session.query('commit');
      return rows[0]!.transaction_timeout;
    } finally {
      await session.end();
    }
  }

  /** What everybody else has. */
  async function defaultLimit(url: string): Promise<string> {
    const client = new pg.Client(url);
    await client.connect();
    try {
      return (await client.query<{ transaction_timeout: string }>('show transaction_timeout')).rows[0]!
        .transaction_timeout;
    } finally {
      await client.end();
    }
  }

  it('is off in our transactions, whatever the default is', async () => {
    expect(await defaultLimit(db.url)).toBe('1s');
    expect(await limitOf(db.url)).toBe('0');
  });

  const program = findPgBouncer();
  // That it is tested where somebody requires it is seen to where the pooler itself is tested.
  if (program !== undefined)
    it('is off behind a pooler too, which keeps nothing of that', async () => {
      const pooler = await startPgBouncer(program, db.url, 1);
      try {
        expect(await limitOf(pooler.url)).toBe('0');
        // It has one connection to the server, which is the one that we had.
        expect(await defaultLimit(pooler.url)).toBe('1s');
      } finally {
        await pooler.stop();
      }
    });

  type Waiting = {
    readonly what: string;
    readonly mode: 'append_dedup' | 'overwrite';
    readonly config: object;
    /** What somebody else holds the table in. */
    readonly lock: string;
  };

  const waiting: readonly Waiting[] = [
    { what: 'the end of an overwrite', mode: 'overwrite', config: { index: 'none' }, lock: 'share row exclusive' },
    {
      what: 'a batch in a stage',
      mode: 'append_dedup',
      config: { index: 'none', limits: { retries_max: 0, unstaged_records_max: 0 } },
      lock: 'share row exclusive',
    },
    // Others write into the table, which an index can't be made beside.
    { what: 'an index', mode: 'append_dedup', config: { index: 'default' }, lock: 'row exclusive' },
  ];

  /** How long the oldest transaction of ours has been open that waits for a lock, in milliseconds. */
  async function oldestMs(): Promise<number> {
    const { rows } = await db.pool.query<{ ms: number }>(
      `select coalesce(extract(epoch from max(clock_timestamp() - xact_start)) * 1000, 0)::int as ms from pg_stat_activity
       where application_name = 'penstock' and datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0]!.ms;
  }

  it.each(waiting)('does not end $what that waits for longer', async ({ mode, config, lock }) => {
    const name = newName();
    const write = (id: string, more: object, isWhole: boolean) =>
      writeItems({
        config: { url: db.url, limits: { retries_max: 0 }, ...more },
        streams: [testStream(name, { destination_sync_mode: mode, generation_id: 1 })],
        input: [[record(name, { id }), ...(isWhole ? [status(name, 'complete')] : [])]],
      });
    await write('a', { index: 'none' }, false);
    const release = await holdLocks(db, `set local transaction_timeout = 0; lock table "${name}" in ${lock} mode`);
    const run = write('b', config, true);
    // A run that was given up doesn't wait any more.
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    run.then(over, over);
    await whenTrue(async () => isOver || (await oldestMs()) > timeoutMs + 200);
    await release();
    const { messages, logged } = await run;
    expect(logged.join('\n')).not.toMatch(/timeout/);
    expect(outline(messages)).toContain(`${name}:complete`);
    const { rows } = await db.pool.query(`select id from "${name}" order by id`);
    expect(rows.at(-1)).toEqual({ id: 'b' });
  });
}
