import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorError } from '@penstock/connector-sdk';
import {
  createTestDatabase,
  startTestServer,
  type TestDatabase,
  type TestServer,
} from '@penstock/local-postgres/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { configSchema } from '../config.ts';
import { testStream, writeItems } from '../testing/write-items.ts';
import { connect } from './connection.ts';

let db: TestDatabase;
let target: URL;
let database: string;
/** Has a socket, and a database of the same name that can only be read. */
let reading: TestServer;
/** Takes connections and never says a word. */
let mute: Server;
let mutePort: number;
/** Passwords of both servers. */
let passfile: string;

beforeAll(async () => {
  db = await createTestDatabase();
  target = new URL(db.url);
  database = target.pathname.slice(1);
  reading = await startTestServer({}, (folder) => ({ unix_socket_directories: folder }));
  const session = await connect(configSchema.parse({ url: reading.url }));
  await session.query(`create database ${database}`);
  await session.query(`alter database ${database} set default_transaction_read_only = on`);
  await session.end();
  mute = createServer(() => {}).listen(0, '127.0.0.1');
  await once(mute, 'listening');
  mutePort = (mute.address() as { port: number }).port;
  passfile = join(await mkdtemp(join(tmpdir(), 'pgpass-')), 'pgpass');
  const line = (url: URL) => `127.0.0.1:${url.port}:*:postgres:${url.password}`;
  const local = `localhost:${reading.port}:*:postgres:${new URL(reading.url).password}`;
  await writeFile(passfile, [line(target), line(new URL(reading.url)), local].join('\n'));
});
afterAll(async () => {
  mute.close();
  await Promise.all([reading.stop(), db.drop()]);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** @returns the port of the server that took the connection, and what else a test wants to know */
async function reached(url: string | undefined, more: object = {}) {
  const session = await connect(configSchema.parse({ url, ...more }));
  try {
    const { rows } = await session.query(
      `select current_setting('port')::int as port, current_setting('application_name') as name, current_setting('geqo') as geqo, current_database() as database`,
    );
    return { ...rows[0], host: session.target.host, safety: session.safety };
  } finally {
    await session.end();
  }
}
const refusal = (url: string | undefined, more: object = {}) =>
  reached(url, more).then(
    () => 'connected',
    (error: ConnectorError) => `${error.code}: ${error.text}`,
  );
const portOf = async (url: string) => (await reached(`${url}passfile=${passfile}`)).port;

describe('a Unix socket', () => {
  const end = () => `user=postgres&passfile=${passfile}`;

  it.each([
    [
      'a percent-encoded host',
      () => `postgres://${encodeURIComponent(reading.folder)}:${reading.port}/${database}?${end()}`,
    ],
    ['the parameter host', () => `postgresql:///${database}?host=${reading.folder}&port=${reading.port}&${end()}`],
  ])('is reached by %s', async (_, url) => {
    expect(await reached(url())).toMatchObject({ port: reading.port, database, host: reading.folder, safety: 'local' });
  });

  it('that is not there is named', async () => {
    const url = `postgresql:///${database}?host=${reading.folder}&port=1&${end()}`;
    expect(await refusal(url)).toMatch(`unreachable: There is no socket ${reading.folder}/.s.PGSQL.1.`);
  });
});

describe('PG* variables', () => {
  it('are enough, and fill in what the URL leaves out', async () => {
    const env = {
      PGHOST: target.hostname,
      PGPORT: target.port,
      PGUSER: target.username,
      PGPASSWORD: target.password,
      PGDATABASE: database,
      PGAPPNAME: 'nightly',
      PGOPTIONS: '-c geqo=off',
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const expected = { port: Number(target.port), name: 'nightly', geqo: 'off', database };
    expect(await reached(undefined)).toMatchObject(expected);
    expect(await reached(`postgres:///postgres?application_name=mine`)).toMatchObject({
      ...expected,
      name: 'mine',
      database: 'postgres',
    });
  });

  it('are asked for where neither they nor a URL say where the database is', async () => {
    vi.stubEnv('PGHOST', undefined);
    expect(await refusal(undefined)).toMatch(/^config_invalid: No database is given.*url_file.*PGHOST/);
  });
});

describe('several hosts', () => {
  const hosts = (...ports: number[]) => ports.map((port) => `127.0.0.1:${port}`).join(',');
  const readOnly = () => reading.port;
  const primary = () => Number(target.port);
  const url = (ports: number[], more = '') => `postgres://postgres@${hosts(...ports)}/${database}?${more}`;

  it('are tried in order, and one that only reads is passed over', async () => {
    expect(await portOf(url([1, readOnly(), primary()]))).toBe(primary());
    expect(await portOf(url([1, readOnly(), primary()], 'target_session_attrs=read-write&'))).toBe(primary());
    expect(await portOf(url([1, readOnly(), primary()], 'target_session_attrs=any&'))).toBe(readOnly());
    expect(await portOf(url([readOnly()]))).toBe(readOnly());
  });

  it('are all named when none will do', async () => {
    const text = await refusal(`${url([1, readOnly()])}passfile=${passfile}`);
    expect(text).toMatch(
      `unreachable: No Postgres answers at 127.0.0.1:1 (connection refused). Postgres at 127.0.0.1:${readOnly()} only reads.`,
    );
  });

  it('are not tried after one that refuses the password', async () => {
    const text = await refusal(url([primary(), readOnly()]).replace('postgres@', 'postgres:wrong@'));
    expect(text).toMatch(`credentials_refused: Postgres at 127.0.0.1:${primary()} refused user "postgres"`);
    expect(text).not.toMatch(/wrong|only reads/);
  });

  it('are tried after one that gives no answer in time', async () => {
    expect(await portOf(url([mutePort, primary()], 'connect_timeout=3&'))).toBe(primary());
  });
});

describe('a server that gives no answer', () => {
  it.each(['disable', 'prefer', 'require'])('is given up after connect_timeout, with sslmode=%s', async (mode) => {
    const started = Date.now();
    const text = await refusal(`postgres://u:secret@127.0.0.1:${mutePort}/d?connect_timeout=1&sslmode=${mode}`);
    expect(text).toMatch(/^unreachable: No connection to Postgres at 127.0.0.1:\d+: no answer within 1 s/);
    expect(text).not.toContain('secret');
    expect(Date.now() - started).toBeLessThan(30_000);
  });
});

describe('a password', () => {
  it('that is asked for and missing is said to be', async () => {
    vi.stubEnv('PGPASSWORD', undefined);
    const url = new URL(db.url);
    url.password = '';
    expect(await refusal(`${url.href}?passfile=${passfile}x`)).toMatch(/^file_unreadable/);
    await writeFile(`${passfile}.empty`, '');
    expect(await refusal(`${url.href}?passfile=${passfile}.empty`)).toMatch(
      /^credentials_refused: .* asks for a password/,
    );
  });
});

describe('a setting in options that the server refuses', () => {
  it.each([
    ['has no such value', '-c statement_timeout=abc', /invalid value for parameter "statement_timeout": "abc"/],
    ['is unknown', '-c no_such_setting=1', /unrecognized configuration parameter "no_such_setting"/],
    ['is one of the whole server', '-c shared_buffers=1', /parameter "shared_buffers" cannot be changed/],
    ['is one for superusers', '-c log_statement=all', /permission denied to set parameter "log_statement"/],
    ['is a role that is not there', '-c role=nobody_of_that_name', /nobody_of_that_name/],
    ['has no value', '-c jit', /requires a value/],
    ['is not said to be one', 'search_path=x', /invalid command-line argument.*search_path=x/],
  ])('because it %s is named at once, with where it comes from', async (_, options, reason) => {
    const role = `poor_${database}`;
    await db.pool.query(`create role ${role} login password 'poor'`);
    const url = new URL(db.url);
    url.username = role;
    url.password = 'poor';
    url.searchParams.set('options', options);
    try {
      const text = await refusal(url.href.replaceAll('+', '%20'));
      expect(text).toMatch(/^config_invalid: Postgres at .* refused a setting: .*Mend `options` in `url`/s);
      expect(text).toMatch(reason);
    } finally {
      await db.pool.query(`drop role ${role}`);
    }
  });

  it('is not asked for again by a run', async () => {
    const logged: string[] = [];
    const run = writeItems({
      config: { url: `${db.url}?options=-c%20statement_timeout%3Dabc` },
      streams: [testStream('a')],
      input: [],
      onLog: (line) => logged.push(line),
    });
    await expect(run).rejects.toMatchObject({ code: 'config_invalid' });
    expect(logged).toEqual([]);
  });
});
