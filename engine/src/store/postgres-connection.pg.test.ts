import { startTestServer, type TestServer } from '@penstock/local-postgres/testing';
import { type Authority, type Certificate, makeAuthority } from '@penstock/postgres-connection/testing';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { PostgresStoreConfig } from './postgres-connection.ts';
import { postgresStateStore } from './postgres-state-store.ts';
import { exampleState } from './testing.ts';

const hba = `
local   all        all  trust
hostssl only_tls   all all trust
hostssl with_cert  all all cert
host    postgres   all all trust
`;

let authority: Authority;
let client: Certificate;
let server: TestServer;

beforeAll(async () => {
  authority = await makeAuthority('Ours');
  client = await authority.issue({ commonName: 'postgres' });
  const { cert, key } = await authority.issue({ commonName: 'db', dnsNames: ['localhost'] });
  server = await startTestServer(
    { 'server.crt': cert, 'server.key': key, 'ca.crt': authority.pem, 'pg_hba.conf': hba },
    (folder) => ({
      ssl: 'on',
      ssl_cert_file: `${folder}/server.crt`,
      ssl_key_file: `${folder}/server.key`,
      ssl_ca_file: `${folder}/ca.crt`,
      hba_file: `${folder}/pg_hba.conf`,
      unix_socket_directories: folder,
    }),
  );
  const { default: pg } = await import('pg');
  const admin = new pg.Client({ host: server.folder, port: server.port, user: 'postgres', database: 'postgres' });
  await admin.connect();
  for (const database of ['only_tls', 'with_cert']) await admin.query(`create database ${database}`);
  await admin.end();
});
afterAll(() => server.stop());
afterEach(() => vi.unstubAllEnvs());

/** Saves and loads once. @returns `kept`, or the words in which it is refused, with their code */
async function outcome(config: PostgresStoreConfig): Promise<string> {
  try {
    const store = postgresStateStore(config);
    const session = await store.open('p');
    const state = exampleState({ a: 1 });
    await session.save(state);
    await session.close();
    expect(await store.load('p')).toEqual(state);
    return 'kept';
  } catch (error) {
    const { code, text } = error as { code: string; text: string };
    return `${code}: ${text}`;
  }
}

const url = (rest: string, host = 'localhost') => `postgres://postgres@${host}:${server.port}/${rest}`;

it('is reached in every way in which a destination reaches its own', async () => {
  // Without a word about encryption it is used where the server has it.
  expect(await outcome({ url: url('only_tls') })).toBe('kept');
  expect(await outcome({ url: url('only_tls?sslmode=require') })).toBe('kept');
  expect(await outcome({ url: url('only_tls'), ssl_ca_pem: authority.pem })).toBe('kept');
  expect(await outcome({ url: url('with_cert'), ssl_cert_pem: client.cert, ssl_key_pem: client.key })).toBe('kept');
  expect(await outcome({ url: `postgres:///postgres?host=${server.folder}&port=${server.port}&user=postgres` })).toBe(
    'kept',
  );
  expect(await outcome({ url: `postgres://postgres@localhost:1,localhost:${server.port}/postgres` })).toBe('kept');
  vi.stubEnv('PGHOST', 'localhost');
  vi.stubEnv('PGPORT', String(server.port));
  vi.stubEnv('PGUSER', 'postgres');
  vi.stubEnv('PGDATABASE', 'only_tls');
  expect(await outcome({})).toBe('kept');
});

it('is refused with what is wrong, told as that of the state database', async () => {
  const other = await makeAuthority('Theirs');
  expect(await outcome({ url: url('postgres', '127.0.0.1'), ssl_ca_pem: authority.pem })).toMatch(
    /^config_invalid: The state database can't be used: The certificate of .* is not for the name "127\.0\.0\.1"/,
  );
  expect(await outcome({ url: url('postgres'), ssl_ca_pem: other.pem })).toMatch(
    /^config_invalid: The state database can't be used: .* is not signed by an authority that is known/,
  );
  expect(await outcome({ url: url('only_tls?sslmode=disable') })).toMatch(
    /^credentials_refused: User "postgres" may not/,
  );
  expect(await outcome({ url: url('with_cert') })).toMatch(/^credentials_refused: /);
  expect(await outcome({ url: url('postgres?sslmod=require') })).toMatch(
    /^config_invalid: .*unknown parameter: sslmod/,
  );
  expect(await outcome({ url: 'postgres://postgres@localhost:1,localhost:2/postgres' })).toMatch(
    /^state_store_unreachable: .*localhost:1.*localhost:2/,
  );
});
