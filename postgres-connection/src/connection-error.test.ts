import { describe, expect, it } from 'vitest';
import { connectionError } from './connection-error.ts';

const target = { host: 'db', port: 5432, database: 'warehouse', user: 'sync' };
const error = (code: string, message = 'it says why') => Object.assign(new Error(message), { code });

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
  [error('CERT_NOT_YET_VALID'), 'config_invalid', /not valid yet.*clock/],
  [error('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'config_invalid', /no version of TLS in common/],
  [error('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'), 'config_invalid', /refused our certificate.*ssl_cert_pem/],
  [new Error('There was an error establishing an SSL connection'), 'config_invalid', /sslnegotiation=direct/],
  [error('EACCES'), 'config_invalid', /may not use the socket/],
  [error('08P01', 'unsupported startup parameter: options'), 'config_invalid', /ignore_startup_parameters/],
  [
    error('22023', 'invalid value for "x"'),
    'config_invalid',
    /refused a setting: invalid value.*Mend `options` in `url`/,
  ],
  [error('42704'), 'config_invalid', /refused a setting: it says why.*alter role "sync" set/],
  [error('42601'), 'unreachable', /Check `url`, the server/],
  [error('08P01', 'SSL required'), 'config_invalid', /sslmode=verify-full/],
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
