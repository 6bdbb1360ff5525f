import { createInterface } from 'node:readline';
import { type Message, message } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { useTestDatabase } from './testing/database.ts';
import { lines, type ProgramCall, runProgram, startProgram } from './testing/run-program.ts';
import { outline, testStream } from './testing/write-items.ts';

const db = useTestDatabase();

const run = (command: 'check' | 'write', config: ProgramCall['config'], names: readonly string[] = [], input = '') =>
  runProgram(
    { command, config, ...(command === 'write' && { streams: names.map((name) => testStream(name)) }) },
    input,
  );

describe('the program', () => {
  it('writes what comes in on stdin and puts out what is committed', async () => {
    const input = lines.record('one', { id: 'a', v: 1 }) + lines.checkpoint('one', 7, 1) + lines.complete('one');
    const { code, messages, stderr } = await run('write', { url: db.url }, ['one'], input);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(outline(messages as never)).toEqual(['one:result', 'one:7', 'one:complete']);
    expect((await db.pool.query('select id from one')).rows).toEqual([{ id: 'a' }]);
  });

  it('stores a record that is spelled in another order and spacing in the same way', async () => {
    const odd =
      '{ "record" : {"data": {"v":1, "id":"b", "big": 12345678901234567890}, "emitted_at":"2026-01-01T00:00:00Z","stream":"odd"}, "type":"record"}\r\n\n';
    const { code } = await run('write', { url: db.url }, ['odd'], odd + lines.complete('odd'));
    expect(code).toBe(0);
    expect((await db.pool.query(`select id, _raw_data ->> 'big' as big from odd`)).rows).toEqual([
      { id: 'b', big: '12345678901234567890' },
    ]);
  });

  it('fails a stream whose checkpoint counts more records than arrived', async () => {
    const input = lines.record('lost', { id: 'a' }) + lines.checkpoint('lost', 1, 2) + lines.complete('lost');
    const { code, messages } = await run('write', { url: db.url }, ['lost'], input);
    expect(code).toBe(30);
    expect(outline(messages as never).filter((word) => !word.endsWith('result') && word !== 'log')).toEqual([
      'lost:error',
    ]);
  });

  it('passes over what is no object, says so, and fails the stream that counts it', async () => {
    const odd = ['null', '5', '"x"', '[{"id":"b"}]'].map(
      (data) => `{"type":"record","record":{"stream":"odd_data","emitted_at":"2026-01-01T00:00:00Z","data":${data}}}\n`,
    );
    const input =
      lines.record('odd_data', { id: 'a' }) +
      odd.join('') +
      lines.checkpoint('odd_data', 1, 5) +
      lines.complete('odd_data');
    const { code, messages } = await run('write', { url: db.url }, ['odd_data'], input);
    expect(code).toBe(30);
    expect(messages.filter(({ type }) => type === 'log')).toHaveLength(4);
    expect(outline(messages as never).filter((word) => /^odd_data:(?!result)/.test(word))).toEqual(['odd_data:error']);
  });

  it('commits what it has when its input is cut off', async () => {
    const input =
      lines.record('cut', { id: 'a' }) +
      lines.checkpoint('cut', 1) +
      lines.record('cut', { id: 'b' }) +
      lines.record('cut', { id: 'c' }).slice(0, 30);
    const { messages } = await run('write', { url: db.url }, ['cut'], input);
    expect(outline(messages as never)).toContain('cut:1');
    expect((await db.pool.query('select id from cut order by id')).rows).toEqual([{ id: 'a' }, { id: 'b' }]);
  });

  it('loses nothing when it is killed at any moment and the input is replayed', async () => {
    const total = 5000;
    const records = Array.from(
      { length: total },
      (_, id) =>
        lines.record('killed', { id: `${id}`, v: id % 5, name: 'x'.repeat(300) }) +
        (id % 50 === 49 ? lines.checkpoint('killed', id + 1) : ''),
    );
    const config = { url: db.url, limits: { batch_records_max: 200 } };
    let confirmed = 0;
    for (const killAfter of [1, 5, 20, 40]) {
      const child = await startProgram({ command: 'write', config, streams: [testStream('killed')] });
      child.stdin.end(records.slice(confirmed).join(''));
      let seen = 0;
      for await (const out of createInterface({ input: child.stdout })) {
        if (!out.endsWith('}}')) break; // the last line may be cut off
        const item = JSON.parse(out) as Message;
        if (item.type === 'source_state') confirmed = item.source_state.data as number;
        if (++seen === killAfter) child.kill('SIGKILL');
      }
      // What was confirmed is there, whatever became of the process.
      const { rows } = await db.pool.query(`select count(*)::int as count from killed where id::int < $1`, [confirmed]);
      expect(rows[0].count).toBe(confirmed);
    }
    const { code } = await run(
      'write',
      config,
      ['killed'],
      records.slice(confirmed).join('') + lines.complete('killed'),
    );
    expect(code).toBe(0);
    const { rows } = await db.pool.query(
      `select count(*)::int as count, count(*) filter (where _raw_data ->> 'v' = (id::int % 5)::text)::int as right from killed`,
    );
    expect(rows).toEqual([{ count: total, right: total }]);
  });
});

describe('check', () => {
  const password = 'geheim-1234';
  const as = (change: (url: URL) => void) => {
    const url = new URL(db.url);
    change(url);
    return url.href;
  };

  it('says what it is connected to', async () => {
    const { code, messages } = await run('check', { url: db.url });
    expect(code).toBe(0);
    expect(messages).toEqual([
      message.connectionStatus({
        status: 'succeeded',
        message: expect.stringMatching(/^PostgreSQL 1[58]\..*schema "public"/),
      }),
    ]);
  });

  it.each([
    [
      'a wrong password',
      (url: URL) => {
        url.password = password;
      },
      /refused user "postgres".*user and password/s,
    ],
    [
      'an unknown database',
      (url: URL) => {
        url.pathname = '/nowhere';
      },
      /no database "nowhere".*create database/s,
    ],
    [
      'no server',
      (url: URL) => {
        url.port = '1';
      },
      /No Postgres answers at 127\.0\.0\.1:1.*Start it/s,
    ],
    [
      'an unknown host',
      (url: URL) => {
        url.hostname = 'nowhere.invalid';
      },
      /nowhere\.invalid/,
    ],
  ])('names %s in one message, without the password', async (_, change, expected) => {
    const { code, messages, stderr } = await run('check', { url: as(change), limits: { connect_seconds_max: 5 } });
    expect(code).toBe(0);
    expect(messages).toEqual([
      message.connectionStatus({
        status: 'failed',
        message: expect.stringMatching(expected),
        failure_type: expect.any(String) as never,
      }),
    ]);
    const said = JSON.stringify(messages) + stderr;
    expect(said).not.toContain(password);
    expect(said).not.toContain(new URL(db.url).password);
  });

  it.each([
    ['may not create the schema', 'elsewhere', /create schema "elsewhere" authorization "poor_role"/],
    ['may not create tables', 'closed', /grant usage, create on schema "closed" to "poor_role"/],
  ])('names the grant that is missing when a user %s', async (_, schema, expected) => {
    await db.pool.query(
      `do $$ begin create role poor_role login password 'poor-password'; exception when duplicate_object then null; end $$; create schema if not exists closed`,
    );
    const url = as((poor) => {
      poor.username = 'poor_role';
      poor.password = 'poor-password';
    });
    const { messages } = await run('check', { url, schema });
    expect(messages).toEqual([
      message.connectionStatus({ status: 'failed', message: expect.stringMatching(expected), failure_type: 'config' }),
    ]);
  });

  it('names the grant that is missing when a user may not make temporary tables', async () => {
    const { rows } = await db.pool.query(`select current_database() as name`);
    await db.pool.query(
      `do $$ begin create role poor_role login password 'poor-password'; exception when duplicate_object then null; end $$; create schema if not exists open; grant all on schema open to poor_role; revoke temporary on database ${rows[0].name} from public`,
    );
    const url = as((poor) => {
      poor.username = 'poor_role';
      poor.password = 'poor-password';
    });
    const { messages } = await run('check', { url, schema: 'open' });
    expect(messages).toEqual([
      message.connectionStatus({
        status: 'failed',
        message: expect.stringMatching(/grant temporary on database/),
        failure_type: 'config',
      }),
    ]);
  });
});
