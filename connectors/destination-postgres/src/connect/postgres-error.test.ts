import { describe, expect, it } from 'vitest';
import { classify, connectionError, rowOf, type Trouble, tableError } from './postgres-error.ts';

const target = { host: 'db', port: 5432, database: 'warehouse', user: 'sync' };
const error = (code: string, message = 'it says why', more: object = {}) =>
  Object.assign(new Error(message), { code }, more);

const troubles: readonly (readonly [string, Trouble])[] = [
  ['08006', 'connection'],
  ['57P01', 'connection'],
  ['57P03', 'connection'],
  ['ECONNRESET', 'connection'],
  ['EPIPE', 'connection'],
  ['ERR_STREAM_PREMATURE_CLOSE', 'connection'],
  ['40001', 'transient'],
  ['40P01', 'transient'],
  ['55P03', 'transient'],
  ['57014', 'transient'],
  ['53100', 'transient'],
  ['53300', 'transient'],
  ['25006', 'transient'],
  ['22P02', 'record'],
  ['22P05', 'record'],
  ['22021', 'record'],
  ['23502', 'record'],
  ['54001', 'record'],
  ['42501', 'permanent'],
  ['42P01', 'permanent'],
  ['42601', 'permanent'],
  ['ERR_ASSERTION', 'permanent'],
  ['ERR_INVALID_ARG_TYPE', 'permanent'],
];

describe('an error', () => {
  it.each(troubles)('with code %s is of the kind %s', (code, trouble) => {
    expect(classify(error(code))).toBe(trouble);
  });

  it.each([
    'Connection terminated unexpectedly',
    'timeout expired',
    'Client has encountered a connection error and is not queryable',
  ])('without a code that says "%s" is a lost connection', (message) => {
    expect(classify(new Error(message))).toBe('connection');
  });

  it('of a COPY names the row, and one of another statement does not', () => {
    const where = 'JSON data, line 1: ...\nCOPY penstock_stage, line 17, column data';
    expect(rowOf(error('22P02', '', { where }))).toBe(17);
    expect(rowOf(error('22P02', '', { where: 'PL/pgSQL function x() line 3' }))).toBeUndefined();
  });
});

const connecting: readonly (readonly [Error, string, RegExp])[] = [
  [error('28P01'), 'credentials_refused', /user "sync".*Check user and password/],
  [error('28000', 'no pg_hba.conf entry for host'), 'credentials_refused', /pg_hba\.conf, or use encryption/],
  [new Error('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), 'credentials_refused', /has none/],
  [error('3D000'), 'config_invalid', /no database "warehouse".*create database "warehouse"/],
  [error('42501'), 'permission_missing', /grant connect on database "warehouse" to "sync"/],
  [error('ECONNREFUSED'), 'unreachable', /No Postgres answers at db:5432/],
  [Object.assign(new AggregateError([error('ECONNREFUSED')], ''), { code: 'ECONNREFUSED' }), 'unreachable', /db:5432/],
  [error('ENOTFOUND'), 'unreachable', /host "db"/],
  [error('53300'), 'unreachable', /no connection left/],
  [error('SELF_SIGNED_CERT_IN_CHAIN'), 'config_invalid', /ssl_ca_pem/],
  [new Error('The server does not support SSL connections'), 'config_invalid', /does not support encrypted/],
  [new Error('timeout expired'), 'unreachable', /timeout expired/],
];

describe('an error of connecting', () => {
  it.each(connecting)('%s has a code and says what to do', (cause, code, text) => {
    const said = connectionError(cause, target);
    expect(said.code).toBe(code);
    expect(said.text).toMatch(text);
    expect(said.cause).toBe(cause);
  });

  it('says what localhost is in a container, where that is the host and nobody answers', () => {
    const refused = error('ECONNREFUSED');
    expect(connectionError(refused, { ...target, host: '127.0.0.1' }).text).toContain('localhost is the container');
    expect(connectionError(refused, target).text).not.toContain('localhost');
  });
});

describe('an error of writing', () => {
  it.each([
    ['42501', 'permission_missing', /Grant usage and create on its schema, and select, insert/],
    ['42P01', 'config_invalid', /dropped/],
    ['53100', 'unreachable', /disk space/],
    ['54011', 'config_invalid', /columns: raw/],
    ['23505', 'config_invalid', /it says why \(23505\)/],
  ] as const)('%s becomes %s', (code, expected, text) => {
    const said = tableError(error(code), '"public"."t"');
    expect(said.code).toBe(expected);
    expect(said.text).toMatch(text);
  });
});
