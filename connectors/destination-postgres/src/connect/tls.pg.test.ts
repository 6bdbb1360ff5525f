import type { ConnectorError } from '@penstock/connector-sdk';
import { startTestServer, type TestServer } from '@penstock/local-postgres/testing';
import { openClient, planConnection } from '@penstock/postgres-connection';
import { type Authority, type Certificate, makeAuthority } from '@penstock/postgres-connection/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Config, configSchema } from '../config.ts';
import { writeItems } from '../testing/write-items.ts';

/** Rules by database, so that one server is every kind of server. */
const hba = `
local     all        all      trust
hostssl   only_tls   all all  trust
hostnossl only_plain all all  trust
hostssl   with_cert  all all  cert
hostssl   password   all all  scram-sha-256
host      postgres   all all  trust
`;

let authority: Authority;
let otherAuthority: Authority;
let good: TestServer;
let expired: TestServer;
let client: Certificate;

beforeAll(async () => {
  [authority, otherAuthority] = await Promise.all([makeAuthority('Ours'), makeAuthority('Theirs')]);
  client = await authority.issue({ commonName: 'postgres' });
  const start = async (certificate: Certificate) =>
    startTestServer(
      { 'server.crt': certificate.cert, 'server.key': certificate.key, 'ca.crt': authority.pem, 'pg_hba.conf': hba },
      (folder) => ({
        ssl: 'on',
        ssl_cert_file: `${folder}/server.crt`,
        ssl_key_file: `${folder}/server.key`,
        ssl_ca_file: `${folder}/ca.crt`,
        hba_file: `${folder}/pg_hba.conf`,
        unix_socket_directories: folder,
      }),
    );
  [good, expired] = await Promise.all([
    start(await authority.issue({ commonName: 'db', dnsNames: ['localhost'] })),
    start(await authority.issue({ commonName: 'db', dnsNames: ['localhost'], daysLeft: -1 })),
  ]);
  const { client: admin } = await open(`postgres:///postgres?host=${good.folder}&port=${good.port}&user=postgres`);
  for (const database of ['only_tls', 'only_plain', 'with_cert', 'password'])
    await admin.query(`create database ${database}`);
  await admin.end();
});
afterAll(() => Promise.all([good.stop(), expired.stop()]));

type More = Partial<Config> & { readonly env?: NodeJS.ProcessEnv };

async function open(url: string | undefined, { env = {}, ...config }: More = {}) {
  return openClient(await planConnection(configSchema.parse({ url, ...config }), env, '/nowhere'));
}

/** @returns `encrypted` or `plain`, as the server says, or the words in which it is refused */
async function outcome(url: string | undefined, more: More = {}): Promise<string> {
  try {
    const { client: opened } = await open(url, more);
    const { rows } = await opened.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
    await opened.end();
    return rows[0].ssl ? 'encrypted' : 'plain';
  } catch (error) {
    return (error as ConnectorError).text;
  }
}

/** How the server is reached, and what the client knows. */
const situations = {
  unknown: (mode: string) => outcome(`${base('localhost')}/postgres?${mode}`),
  trusted: (mode: string) => outcome(`${base('localhost')}/postgres?${mode}`, { ssl_ca_pem: authority.pem }),
  otherAuthority: (mode: string) =>
    outcome(`${base('localhost')}/postgres?${mode}`, { ssl_ca_pem: otherAuthority.pem }),
  otherName: (mode: string) =>
    outcome(`${base('db.example')}/postgres?hostaddr=127.0.0.1&${mode}`, { ssl_ca_pem: authority.pem }),
  expired: (mode: string) =>
    outcome(`postgres://postgres@localhost:${expired.port}/postgres?${mode}`, { ssl_ca_pem: authority.pem }),
  noTls: (mode: string) => outcome(`${inject('postgresUrl')}?${mode}`, { ssl_ca_pem: authority.pem }),
  onlyTls: (mode: string) => outcome(`${base('localhost')}/only_tls?${mode}`, { ssl_ca_pem: authority.pem }),
  onlyPlain: (mode: string) => outcome(`${base('localhost')}/only_plain?${mode}`, { ssl_ca_pem: authority.pem }),
};
const base = (host: string) => `postgres://postgres@${host}:${good.port}`;

const unknownAuthority = /not signed by an authority that is known here.*ssl_ca_pem/;
const otherName = /is not for the name "db.example" \(it is for DNS:localhost\)/;
const old = /has expired.*Renew it/;
const noTls = (mode: string) => new RegExp(`does not support encrypted connections, and sslmode=${mode} asks for one`);
const rejected = /refused user "postgres".*pg_hba.conf/;

type Expected = Record<keyof typeof situations, 'encrypted' | 'plain' | RegExp>;
/** The modes of libpq's documentation, and none: then a certificate that is given means verify-full. */
const modes: Record<string, Expected> = {
  disable: {
    unknown: 'plain',
    trusted: 'plain',
    otherAuthority: 'plain',
    otherName: 'plain',
    expired: 'plain',
    noTls: 'plain',
    onlyTls: /no encryption.*use encryption: add \?sslmode=verify-full/,
    onlyPlain: 'plain',
  },
  allow: {
    unknown: 'plain',
    trusted: 'plain',
    otherAuthority: 'plain',
    otherName: 'plain',
    expired: 'plain',
    noTls: 'plain',
    onlyTls: 'encrypted',
    onlyPlain: 'plain',
  },
  prefer: {
    unknown: 'encrypted',
    trusted: 'encrypted',
    otherAuthority: 'plain',
    otherName: 'encrypted',
    expired: 'plain',
    noTls: 'plain',
    onlyTls: 'encrypted',
    onlyPlain: 'plain',
  },
  require: {
    unknown: 'encrypted',
    trusted: 'encrypted',
    otherAuthority: unknownAuthority,
    otherName: 'encrypted',
    expired: old,
    noTls: noTls('require'),
    onlyTls: 'encrypted',
    onlyPlain: rejected,
  },
  'verify-ca': {
    unknown: /needs the certificate of the authority.*ssl_ca_pem/,
    trusted: 'encrypted',
    otherAuthority: unknownAuthority,
    otherName: 'encrypted',
    expired: old,
    noTls: noTls('verify-ca'),
    onlyTls: 'encrypted',
    onlyPlain: rejected,
  },
  'verify-full': {
    unknown: unknownAuthority,
    trusted: 'encrypted',
    otherAuthority: unknownAuthority,
    otherName,
    expired: old,
    noTls: noTls('verify-full'),
    onlyTls: 'encrypted',
    onlyPlain: rejected,
  },
  none: {
    unknown: 'encrypted',
    trusted: 'encrypted',
    otherAuthority: unknownAuthority,
    otherName,
    expired: old,
    noTls: noTls('verify-full'),
    onlyTls: 'encrypted',
    onlyPlain: rejected,
  },
};

const rows = Object.entries(modes).flatMap(([mode, expected]) =>
  (Object.keys(expected) as (keyof Expected)[]).map((situation) => ({
    mode,
    situation,
    expected: expected[situation],
  })),
);

describe('sslmode', () => {
  it.each(rows)('$mode, where the server is $situation, comes to $expected', async ({ mode, situation, expected }) => {
    const found = await situations[situation](mode === 'none' ? '' : `sslmode=${mode}`);
    if (expected instanceof RegExp) expect(found).toMatch(expected);
    else expect(found).toBe(expected);
  });

  it.each(['disable', 'allow', 'prefer', 'require', 'verify-full'])('%s comes from PGSSLMODE too', async (mode) => {
    const env = {
      PGHOST: 'localhost',
      PGPORT: String(good.port),
      PGUSER: 'postgres',
      PGDATABASE: 'postgres',
      PGSSLMODE: mode,
    };
    const isPlain = mode === 'disable' || mode === 'allow';
    expect(await outcome(undefined, { env, ssl_ca_pem: authority.pem })).toBe(isPlain ? 'plain' : 'encrypted');
  });

  it('of a Unix socket changes nothing: nothing is encrypted there', async () => {
    const url = `postgres://${encodeURIComponent(good.folder)}:${good.port}/postgres?user=postgres&sslmode=verify-full`;
    expect(await outcome(url)).toBe('plain');
  });

  it('finds the certificate of an authority in the file that sslrootcert names', async () => {
    const url = `${base('localhost')}/postgres?sslmode=verify-full&sslrootcert=${good.folder}/ca.crt`;
    expect(await outcome(url)).toBe('encrypted');
  });

  it('with sslrootcert=system believes public authorities alone, and only with verify-full', async () => {
    expect(await outcome(`${base('localhost')}/postgres?sslrootcert=system`)).toMatch(unknownAuthority);
    expect(await outcome(`${base('localhost')}/postgres?sslrootcert=system&sslmode=require`)).toMatch(
      /protect from nobody/,
    );
  });
});

describe('a connection that leaves the machine', () => {
  const url = (mode: string) => `${base('db.example')}/postgres?hostaddr=127.0.0.1&sslmode=${mode}`;

  it.each([
    ['disable', 'plain'],
    ['prefer', 'unverified'],
    ['require', 'unverified'],
  ])(
    'is warned of once when nothing says that the server is the right one, as with sslmode=%s',
    async (mode, safety) => {
      const { client: opened, safety: found } = await open(url(mode));
      await opened.end();
      expect(found).toBe(safety);
      const { logged } = await writeItems({
        config: { url: url(mode), schema: `safety_${mode}` },
        streams: [],
        input: [],
      });
      expect(logged).toEqual([expect.stringMatching(/^The connection to Postgres is .*Use sslmode=verify-full/)]);
    },
  );

  it('is as safe as its certificate was looked at', async () => {
    const safetyOf = async (...args: Parameters<typeof open>) => {
      const { client: opened, safety } = await open(...args);
      await opened.end();
      return safety;
    };
    expect(await safetyOf(url('require'), { ssl_ca_pem: authority.pem })).toBe('chain');
    expect(await safetyOf(`${base('localhost')}/postgres`, { ssl_ca_pem: authority.pem })).toBe('name');
    expect(await safetyOf(`${base('localhost')}/postgres`)).toBe('local');
  });
});

describe('a certificate of our own', () => {
  const url = () => `${base('localhost')}/with_cert`;
  const config = () => ({ ssl_ca_pem: authority.pem, ssl_cert_pem: client.cert, ssl_key_pem: client.key });

  it('lets its user in', async () => {
    expect(await outcome(url(), config())).toBe('encrypted');
  });

  it('is missed where the server asks for one', async () => {
    expect(await outcome(url(), { ssl_ca_pem: authority.pem })).toMatch(/valid client certificate.*ssl_cert_pem/);
  });

  it('is refused when another authority has signed it', async () => {
    const other = await otherAuthority.issue({ commonName: 'postgres' });
    const found = await outcome(url(), { ...config(), ssl_cert_pem: other.cert, ssl_key_pem: other.key });
    expect(found).toMatch(/refused our certificate.*ssl_cert_pem/);
  });

  it('is refused when it is for another user', async () => {
    const other = await authority.issue({ commonName: 'somebody' });
    const found = await outcome(url(), { ...config(), ssl_cert_pem: other.cert, ssl_key_pem: other.key });
    expect(found).toMatch(/certificate authentication failed.*for this user/);
  });
});

describe('channel_binding', () => {
  it('require binds the password to the encrypted connection', async () => {
    const password = new URL(good.url).password;
    const url = `postgres://postgres:${password}@localhost:${good.port}/password?channel_binding=require`;
    expect(await outcome(url, { ssl_ca_pem: authority.pem })).toBe('encrypted');
  });

  it('require refuses a server that asks for no password', async () => {
    const url = `${base('localhost')}/postgres?channel_binding=require`;
    expect(await outcome(url, { ssl_ca_pem: authority.pem })).toMatch(/did not bind the password/);
  });
});

describe('the first byte', () => {
  it('is encrypted with sslnegotiation=direct, where the server is new enough', async () => {
    const found = await outcome(`${base('localhost')}/postgres?sslnegotiation=direct`, { ssl_ca_pem: authority.pem });
    if (inject('postgresVersion') >= 17) expect(found).toBe('encrypted');
    else expect(found).toMatch(/^No connection|can't be asked/);
  });
});
