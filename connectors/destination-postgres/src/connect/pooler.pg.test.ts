import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../testing/pgbouncer.ts';
import { checkpoint, outline, record, status, testStream, writeItems } from '../testing/write-items.ts';
import { connect } from './connection.ts';

/** A field whose name has to be quoted in SQL, where a backslash means something by the database's default. */
const awkward = "it's a \\ field";

function testPooler(program: string) {
  let db: TestDatabase;
  let pooler: PgBouncer;
  beforeAll(async () => {
    db = await createTestDatabase();
    const name = new URL(db.url).pathname.slice(1);
    // Others' defaults: what a session sets is not there to help.
    for (const setting of [`timezone = 'Asia/Tokyo'`, 'standard_conforming_strings = off', 'synchronous_commit = off'])
      await db.pool.query(`alter database ${name} set ${setting}`);
    pooler = await startPgBouncer(program, db.url, 2);
  });
  afterAll(async () => {
    await pooler.stop();
    await db.drop();
  });

  async function withClients<T>(work: (...clients: pg.Client[]) => Promise<T>): Promise<T> {
    const clients = [new pg.Client(pooler.url), new pg.Client(pooler.url)];
    await Promise.all(clients.map((client) => client.connect()));
    try {
      return await work(...clients);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
  }

  it('two transactions of one client run on different connections to the server', async () => {
    const begin = async (client: pg.Client | undefined) => {
      await client!.query('begin');
      return (await client!.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!.pid;
    };
    const pids = await withClients(async (one, other) => {
      const before = await begin(one);
      await one!.query('commit');
      // It gets the one that was given back last.
      const between = await begin(other);
      const after = await begin(one);
      await Promise.all([one!.query('commit'), other!.query('commit')]);
      return { before, between, after };
    });
    expect(pids.between).toBe(pids.before);
    expect(pids.after).not.toBe(pids.before);
  });

  it('is noticed, and a direct connection is one', async () => {
    const isPooled = async (url: string) => {
      const session = await connect(configSchema.parse({ url }));
      await session.end();
      return session.isPooled;
    };
    expect(await isPooled(pooler.url)).toBe(true);
    expect(await isPooled(db.url)).toBe(false);
  });

  /** Batches of every kind: small and large ones, deletions, keys that come again, a field that needs quoting. */
  function* items(streams: readonly string[], rounds: number) {
    for (let round = 0; round < rounds; round++) {
      for (const stream of streams) {
        const count = round % 3 === 0 ? 300 : 5;
        yield Array.from({ length: count }, (_, index) =>
          record(stream, {
            id: `${(round * 7 + index) % 500}`,
            v: round,
            name: `n${round}`,
            at: '2024-06-01T12:00:00',
            [awkward]: index,
            ...(index % 50 === 3 && { deleted: true }),
          }),
        );
        yield [checkpoint(stream, round)];
      }
    }
    yield streams.map((stream) => status(stream, 'complete'));
  }
  const withFields = (name: string) =>
    testStream(name, {
      stream: {
        json_schema: {
          properties: {
            id: { type: 'string' },
            v: { type: 'integer' },
            name: { type: 'string' },
            at: { type: 'string', format: 'date-time' },
            [awkward]: { type: 'integer' },
          },
        },
      },
    });
  const names = ['first', 'second', 'third'];
  const write = (more: object, rounds = 12, onMessage = () => {}) =>
    writeItems({
      config: { url: pooler.url, limits: { batch_records_max: 300, retries_max: 20 }, connections: 4, ...more },
      streams: names.map(withFields),
      input: items(names, rounds),
      onMessage,
    });
  const rowsOf = async (schema: string) =>
    Promise.all(
      names.map(async (name) => {
        const { rows } = await db.pool.query(
          `select id, v, name, at, "${awkward}" as n, _raw_data from ${schema}.${name} order by id`,
        );
        return rows;
      }),
    );
  const expectAll = (messages: Awaited<ReturnType<typeof write>>['messages'], rounds = 12) =>
    expect(outline(messages).filter((item) => !item.endsWith('result'))).toEqual(
      expect.arrayContaining(names.flatMap((name) => [`${name}:${rounds - 1}`, `${name}:complete`])),
    );

  it.each(['mark', 'remove'])(
    'the tables are those of a direct connection, with soft_delete %s',
    async (soft_delete) => {
      const { messages, logged } = await write({ schema: `pooled_${soft_delete}`, soft_delete });
      expect(logged).toEqual([]);
      expectAll(messages);
      await write({ url: db.url, schema: `direct_${soft_delete}`, soft_delete });
      const [pooled, direct] = await Promise.all([rowsOf(`pooled_${soft_delete}`), rowsOf(`direct_${soft_delete}`)]);
      expect(pooled[0]!.length).toBeGreaterThan(100);
      expect(pooled).toEqual(direct);
      expect(pooled[0]![0].at).toEqual(new Date('2024-06-01T12:00:00Z'));
    },
  );

  it('nothing is left behind in the connections to the server', async () => {
    await write({ schema: 'tidy' }, 4);
    const left = await withClients(async (...clients) => {
      await Promise.all(clients.map((client) => client.query('begin')));
      return Promise.all(
        clients.map(async (client) => {
          const { rows } = await client.query(`select (select count(*)::int from pg_prepared_statements) as prepared,
            (select count(*)::int from pg_class where relpersistence = 't') as temporary,
            (select count(*)::int from pg_locks where locktype = 'advisory') as locks,
            current_setting('timezone') as timezone, current_setting('jit') = boot_val as jit,
            current_setting('enable_hashjoin') as hashjoin from pg_settings where name = 'jit'`);
          return rows[0];
        }),
      );
    });
    const clean = { prepared: 0, temporary: 0, locks: 0, timezone: 'Asia/Tokyo', jit: true, hashjoin: 'on' };
    expect(left).toEqual([clean, clean]);
  });

  it('a column that comes later is filled as in a direct connection', async () => {
    const config = { url: pooler.url, schema: 'grown' };
    const line = { id: 'a', v: 1, at: '2024-06-01T12:00:00', [awkward]: 7 };
    const without = testStream('first', { stream: { json_schema: { properties: { id: { type: 'string' } } } } });
    await writeItems({ config, streams: [without], input: [[record('first', line)]] });
    await writeItems({ config, streams: [withFields('first')], input: [[record('first', { ...line, id: 'b' })]] });
    const { rows } = await db.pool.query(`select at, "${awkward}" as n from grown.first`);
    const row = { at: new Date('2024-06-01T12:00:00Z'), n: '7' };
    expect(rows).toEqual([row, row]);
  });

  it('a whole set of rows takes the place of another', async () => {
    const config = { url: pooler.url, schema: 'replaced' };
    for (const generation_id of [1, 2]) {
      const stream = testStream('first', {
        sync_mode: 'full_refresh',
        destination_sync_mode: 'overwrite',
        generation_id,
      });
      const input = Array.from({ length: 300 }, (_, index) => record('first', { id: `${generation_id}.${index}` }));
      const { messages } = await writeItems({
        config,
        streams: [stream],
        input: [[...input, status('first', 'complete')]],
      });
      expect(outline(messages)).toContain('first:complete');
    }
    const { rows } = await db.pool.query(
      `select count(*)::int as count, min(split_part(id, '.', 1)) as generation from replaced.first`,
    );
    expect(rows).toEqual([{ count: 300, generation: '2' }]);
  });

  it('a bad record is found alone', async () => {
    const good = Array.from({ length: 20 }, (_, index) => record('first', { id: `${index}` }, index));
    for (const unstaged_records_max of [0, 100]) {
      const config = {
        url: pooler.url,
        schema: `bad_${unstaged_records_max}`,
        on_bad_record: 'skip',
        limits: { unstaged_records_max },
      };
      const bad = record('first', '{"id":"bad","name":"\\u0000"}', 99);
      const { results } = await writeItems({ config, streams: [testStream('first')], input: [[...good, bad]] });
      expect(results.first).toEqual({ created: 20, updated: 0, deleted: 0, skipped: 1 });
    }
  });

  it('one connection to the server is enough, however many come to the pooler', async () => {
    const narrow = await startPgBouncer(program, db.url, 1);
    try {
      const { messages, logged } = await write({ url: narrow.url, schema: 'narrow', connections: 8 });
      expect(logged).toEqual([]);
      expectAll(messages);
    } finally {
      await narrow.stop();
    }
  });

  it('a pooler that crashes and connections that are ended cost nothing but time', async () => {
    let seen = 0;
    let trouble = Promise.resolve();
    const { messages, logged } = await write({ schema: 'killed' }, 40, () => {
      seen++;
      if (seen === 20) trouble = pooler.crash();
      if (seen % 40 === 0)
        trouble = trouble.then(async () => {
          await db.pool.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'penstock' and datname = current_database()`,
          );
        });
    });
    await trouble;
    expect(logged.join('\n')).toMatch(/tried again/);
    expectAll(messages, 40);
    await write({ url: db.url, schema: 'unharmed' }, 40);
    expect(await rowsOf('killed')).toEqual(await rowsOf('unharmed'));
  });
}

const program = findPgBouncer();
if (program !== undefined) describe('behind PgBouncer in transaction mode', () => testPooler(program));
// Only Node and npm are asked of whoever runs the tests; CI installs it and says that it must be there.
else
  it('nothing is tested behind a pooler where PgBouncer is not installed and nobody requires it', () => {
    expect(process.env.PENSTOCK_TEST_PGBOUNCER).not.toBe('required');
    console.warn('Not tested: what happens behind a pooler. Run: apt-get install pgbouncer');
  });
