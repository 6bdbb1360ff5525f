import { createPrivateKey } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CodedError } from '@penstock/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { planConnection } from './connection-plan.ts';
import { type Authority, type Certificate, makeAuthority } from './testing/certificates.ts';

type More = { readonly env?: NodeJS.ProcessEnv; readonly home?: string } & Record<string, unknown>;
const plan = (url: string | undefined, { env = {}, home = '/nowhere', ...config }: More = {}) =>
  planConnection({ url, limits: { connect_seconds_max: 30 }, ...config }, env, home);
const refusal = (url: string | undefined, more?: More) =>
  plan(url, more).then(
    () => '',
    (error: CodedError) => error.text,
  );

describe('a plan to connect', () => {
  it('is what the URL says, with defaults', async () => {
    expect(await plan('postgres://sync:secret@db/shop')).toMatchObject({
      servers: [{ host: 'db', address: 'db', port: 5432, password: 'secret' }],
      database: 'shop',
      user: 'sync',
      applicationName: 'penstock',
      options: undefined,
      connectSecondsMax: 30,
      keepAliveMs: 30_000,
      wantsPrimary: false,
      tls: { mode: 'prefer', attempts: ['tls', 'plain'], verification: 'nothing', ca: undefined, own: undefined },
    });
  });

  it('can come from the environment alone', async () => {
    const env = {
      PGHOST: '/var/run',
      PGPORT: '5433',
      PGDATABASE: 'shop',
      PGUSER: 'sync',
      PGPASSWORD: 'secret',
      PGAPPNAME: 'nightly',
      PGOPTIONS: '-c geqo=off',
      PGCONNECT_TIMEOUT: '5',
    };
    expect(await plan(undefined, { env })).toMatchObject({
      servers: [{ host: '/var/run', port: 5433, password: 'secret' }],
      database: 'shop',
      user: 'sync',
      applicationName: 'nightly',
      options: '-c geqo=off',
      connectSecondsMax: 5,
    });
  });

  it('names the database like the user when nothing else is said', async () => {
    expect((await plan('postgres://sync@db')).database).toBe('sync');
  });

  it('gives each host its port and address', async () => {
    const { servers, wantsPrimary } = await plan('postgres://u@a:1,b,c:3/d?hostaddr=10.0.0.1,,10.0.0.3');
    expect(servers.map(({ host, address, port }) => [host, address, port])).toEqual([
      ['a', '10.0.0.1', 1],
      ['b', 'b', 5432],
      ['c', '10.0.0.3', 3],
    ]);
    expect(wantsPrimary).toBe(true);
    expect((await plan('postgres://u@a,b/d?port=7&target_session_attrs=any')).servers.map(({ port }) => port)).toEqual([
      7, 7,
    ]);
    expect((await plan('postgres://u@a,b/d?target_session_attrs=any')).wantsPrimary).toBe(false);
    expect((await plan('postgres://u@a/d?target_session_attrs=read-write')).wantsPrimary).toBe(true);
  });

  it.each([
    ['postgres://u@db/d?connect_timeout=5', { connectSecondsMax: 5 }],
    ['postgres://u@db/d?connect_timeout=0', { connectSecondsMax: 30 }],
    ['postgres://u@db/d?connect_timeout=500', { connectSecondsMax: 30 }],
    ['postgres://u@db/d?keepalives=0', { keepAliveMs: undefined }],
    ['postgres://u@db/d?keepalives_idle=7&keepalives_interval=3&keepalives_count=2', { keepAliveMs: 7000 }],
    ['postgres://u@db/d?application_name=mine', { applicationName: 'mine' }],
  ])('%s means %j', async (url, expected) => {
    expect(await plan(url)).toMatchObject(expected);
  });

  it.each([
    [undefined, {}, /No database is given.*postgres:\/\/USER.*PGHOST/],
    [undefined, { PGUSER: 'sync' }, /No database is given/],
    ['postgres:///shop', {}, /names no host.*host=\/FOLDER/],
    ['postgres://u@a,/d', {}, /names no host/],
    ['postgres://u@a,b,c/d?port=1,2', {}, /3 hosts and 2 ports \(port in `url`\)/],
    ['postgres://u@a,b/d?hostaddr=10.0.0.1', {}, /2 hosts and 1 addresses/],
    ['postgres://u@db:70000/d', {}, /from 1 to 65535/],
    ['postgres://u@db/d', { PGPORT: 'x' }, /PGPORT has to be a number/],
    ['postgres://u@db/d?connect_timeout=soon', {}, /connect_timeout in `url` has to be a whole number/],
    ['postgres://u@db/d?passfile=/nowhere/pw', {}, /password file \/nowhere\/pw can't be read \(ENOENT\)/],
    [
      'postgres://u@db/d?sslmode=require&sslrootcert=/nowhere/ca',
      {},
      /sslrootcert in `url`, \/nowhere\/ca, can't be read/,
    ],
    ['postgres://u@db/d?sslnegotiation=direct', {}, /needs an encrypted connection, and sslmode is prefer/],
    [
      'postgres://u@db/d',
      { PGSSLROOTCERT: 'system', PGSSLMODE: 'require' },
      /PGSSLROOTCERT = system, PGSSLMODE = require/,
    ],
  ])('from %s and %j is refused: %s', async (url, env, why) => {
    expect(await refusal(url, { env })).toMatch(why);
  });
});

describe('certificates', () => {
  let authority: Authority;
  let own: Certificate;
  let other: Certificate;
  beforeAll(async () => {
    authority = await makeAuthority('Ours');
    [own, other] = await Promise.all([authority.issue({ commonName: 'a' }), authority.issue({ commonName: 'b' })]);
  });

  it('of an authority mean verify-full without an sslmode, several are taken', async () => {
    const { pem } = await makeAuthority('Next');
    const { tls } = await plan('postgres://u@db/d', { ssl_ca_pem: `Old and new:\n${authority.pem}\n${pem}` });
    expect(tls).toMatchObject({ mode: 'verify-full', verification: 'name' });
    expect(tls.ca).toHaveLength(2);
  });

  it('are found where libpq looks for them', async () => {
    const home = await mkdtemp(join(tmpdir(), 'home-'));
    await mkdir(join(home, '.postgresql'));
    await writeFile(join(home, '.postgresql/root.crt'), authority.pem);
    await writeFile(join(home, '.postgresql/postgresql.crt'), own.cert);
    expect(await refusal('postgres://u@db/d', { home })).toMatch(/postgresql.crt is a certificate without its key/);
    await writeFile(join(home, '.postgresql/postgresql.key'), own.key);
    const { tls } = await plan('postgres://u@db/d?sslmode=require', { home });
    expect(tls).toMatchObject({ verification: 'chain', ca: [authority.pem.trim()], own: { cert: own.cert } });
    expect((await plan('postgres://u@db/d?sslmode=disable', { home })).tls.ca).toBeUndefined();
    expect((await plan('postgres:///d?host=/run&user=u', { home })).tls.ca).toBeUndefined();
  });

  it('of public authorities are enough for verify-full', async () => {
    const { tls } = await plan('postgres://u@db/d?sslmode=verify-full');
    expect(tls.verification).toBe('name');
    expect(tls.ca?.length).toBeGreaterThan(50);
  });

  it('that do not fit are refused, without the key', async () => {
    const refused = async (more: More, url = 'postgres://u@db/d') => {
      const text = await refusal(url, more);
      expect(text).not.toContain(own.key.split('\n')[1]);
      return text;
    };
    expect(await refused({ ssl_ca_pem: 'no PEM' })).toMatch(/`ssl_ca_pem` holds no certificate/);
    expect(await refused({ ssl_ca_pem: authority.pem.replace(/\n\w{9}/, '\n') })).toMatch(/holds no certificate/);
    expect(await refused({ ssl_ca_pem: own.key })).toMatch(/`ssl_ca_pem` holds no certificate/);
    expect(await refused({ ssl_cert_pem: own.cert })).toMatch(/`ssl_cert_pem` needs `ssl_key_pem`/);
    expect(await refused({ ssl_key_pem: own.key })).toMatch(/`ssl_key_pem` needs `ssl_cert_pem`/);
    const mixed = { ssl_cert_pem: other.cert, ssl_key_pem: own.key };
    expect(await refused(mixed)).toMatch(/`ssl_key_pem` does not belong to the certificate in `ssl_cert_pem`/);
    const cut = { ssl_cert_pem: own.cert, ssl_key_pem: own.key.slice(0, 80) };
    expect(await refused(cut)).toMatch(/`ssl_key_pem` holds no private key/);
    expect(await refused({ ssl_ca_pem: authority.pem }, 'postgres://u@db/d?sslrootcert=/x')).toMatch(/both given/);
  });

  it('with an encrypted key need its password', async () => {
    const sealed = String(
      createPrivateKey(own.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' }),
    );
    const config = { ssl_cert_pem: own.cert, ssl_key_pem: sealed };
    expect(await refusal('postgres://u@db/d', config)).toMatch(/is encrypted, and its password is missing/);
    expect(await refusal('postgres://u@db/d?sslpassword=shut', config)).toMatch(/is another one/);
    expect((await plan('postgres://u@db/d?sslpassword=open', config)).tls.own?.passphrase).toBe('open');
  });
});
