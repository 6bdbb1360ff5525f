import { ConnectorError } from '@penstock/connector-sdk';
import type { ErrorCode } from '@penstock/protocol';
import { quoteName } from '../tables/identifier.ts';

/** What kind of trouble an error from Postgres or from its socket is. */
export type Trouble =
  /** The connection is gone: connect again, then try again. */
  | 'connection'
  /** The statement lost, the connection is well: try again. */
  | 'transient'
  /** A record can't be stored: find out which. */
  | 'record'
  /** Only a person can help. */
  | 'permanent';

/** What the `pg` package puts into an error of the server. */
export type PostgresError = Error & {
  readonly code?: string;
  readonly where?: string;
  readonly detail?: string;
  readonly constraint?: string;
};

const codes: readonly (readonly [RegExp, Trouble])[] = [
  // Shut down, crashed, starting up, ended by an administrator or for being idle.
  [/^(08|57P0[1235]|25P0[34])/, 'connection'],
  // Deadlock and serialisation, lock timeout, statement timeout or cancelled, out of disk, memory or connections, a failing
  // disk, and a server that is (for now) a read-only standby.
  [/^(40|55P03|57014|53|58|25006|XX00[12])/, 'transient'],
  // Bad value; not null; a key too long for its index, nesting too deep.
  [/^(22|23502|54)/, 'record'],
];

/** A SQLSTATE always has a digit; `EPIPE` has as many characters. */
const sqlState = /^(?=.*[0-9])[0-9A-Z]{5}$/;

/** Whether an error is an answer of the server. */
export function isFromServer(error: unknown): boolean {
  return sqlState.test((error as PostgresError).code ?? '');
}

/** Sorts an error. What is not from a server is from the socket, or a defect of ours (an assertion). */
export function classify(error: unknown): Trouble {
  const { code = '', message = '' } = error as PostgresError;
  if (isFromServer(error)) return codes.find(([pattern]) => pattern.test(code))?.[1] ?? 'permanent';
  if (/^(E(?!RR_)[A-Z]+|ERR_STREAM_.*|ERR_SSL_.*)$/.test(code)) return 'connection';
  return /connection|timeout expired|not queryable/i.test(message) ? 'connection' : 'permanent';
}

/** The number of the COPY row, from 1, that an error names. */
export function rowOf(error: unknown): number | undefined {
  const row = /^COPY penstock_stage, line (\d+)/m.exec((error as PostgresError).where ?? '')?.[1];
  return row === undefined ? undefined : Number(row);
}

/** What an error says in one line without a full stop: message and detail, nothing of the connection. */
export function reasonOf(error: unknown): string {
  const { message, detail, code } = error as PostgresError;
  return [message || code, detail].filter(Boolean).join(': ').replaceAll(/\s+/g, ' ').replace(/\.$/, '');
}

/** Where a connection goes, without the password. */
export type Target = { readonly host: string; readonly port: number; readonly database: string; readonly user: string };

/** Whether a host is the machine on which this runs; in a container that is the container. */
function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);
}

/** An error of connecting, in words that say what to do. */
export function connectionError(cause: unknown, { host, port, database, user }: Target): ConnectorError {
  const { code = '' } = cause as PostgresError;
  const say = (errorCode: ErrorCode, message: string, remedy: string) =>
    new ConnectorError(errorCode, { message, remedy, cause });
  const address = host.startsWith('/') ? host : `${host}:${port}`;
  switch (code) {
    case '28P01':
    case '28000':
      return say(
        'credentials_refused',
        `Postgres at ${address} refused user "${user}": ${reasonOf(cause)}.`,
        /pg_hba\.conf/.test(reasonOf(cause))
          ? 'Allow this user and address in pg_hba.conf, or use encryption: add ?sslmode=verify-full to `url`.'
          : 'Check user and password in `url`.',
      );
    case '3D000':
      return say(
        'config_invalid',
        `There is no database "${database}" at ${address}.`,
        `Create it (create database ${quoteName(database)}), or mend the name in \`url\`.`,
      );
    case '42501':
      return say(
        'permission_missing',
        `User "${user}" may not connect to database "${database}": ${reasonOf(cause)}.`,
        `Run: grant connect on database ${quoteName(database)} to ${quoteName(user)}`,
      );
    case 'ECONNREFUSED':
      return say(
        'unreachable',
        `No Postgres answers at ${address} (connection refused).`,
        isLoopback(host)
          ? 'Start it, or check host and port in `url`; in a container, localhost is the container itself.'
          : 'Start it, or check host and port in `url`.',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say(
        'unreachable',
        `The host "${host}" of Postgres is unknown.`,
        'Check the host in `url` and the network.',
      );
    case '53300':
      return say(
        'unreachable',
        `Postgres at ${address} has no connection left: ${reasonOf(cause)}.`,
        'Close others, or raise max_connections.',
      );
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return say(
        'config_invalid',
        `The certificate of Postgres at ${address} is not signed by an authority that is known here (${code}).`,
        'Put the certificate of its authority into `ssl_ca_pem`.',
      );
    default: {
      const found = cause as { errors?: unknown[] };
      // Node tries each address of a name and reports all failures as one without a message.
      if (Array.isArray(found.errors) && found.errors.length > 0)
        return connectionError(found.errors.at(-1), { host, port, database, user });
      if (/password must be a/.test(reasonOf(cause)))
        return say(
          'credentials_refused',
          `Postgres at ${address} asks for a password, and \`url\` has none.`,
          'Write postgres://USER:PASSWORD@HOST:5432/DATABASE.',
        );
      if (/does not support SSL/.test(reasonOf(cause)))
        return say(
          'config_invalid',
          `Postgres at ${address} does not support encrypted connections.`,
          'Leave `ssl_ca_pem` out, and sslmode out of `url`.',
        );
      return say(
        'unreachable',
        `No connection to Postgres at ${address}: ${reasonOf(cause)}.`,
        'Check `url`, the server and the network.',
      );
    }
  }
}

/** An error of writing into a table, in words that say what to do. */
export function tableError(cause: unknown, table: string): ConnectorError {
  const { code = '' } = cause as PostgresError;
  const reason = reasonOf(cause);
  // What is wrong with a record is dealt with where the batches are; of a table's definition it is for a person to mend.
  const isPassing = ['connection', 'transient'].includes(classify(cause));
  const errorCode: ErrorCode = code === '42501' ? 'permission_missing' : isPassing ? 'unreachable' : 'config_invalid';
  const remedies: Partial<Record<string, string>> = {
    '42501': `Grant usage and create on its schema, and select, insert, update and delete on ${table}; only its owner may add columns.`,
    '54011': 'Choose fewer `fields`, or set columns: raw.',
    '42P01': 'The table was dropped while it was written: run again.',
    '42703': 'The table was changed while it was written: run again.',
    '53100': 'Free disk space on the server; then run again.',
    '25006': 'Connect to the primary server, not to a standby.',
  };
  const remedy =
    remedies[code] ?? (isPassing ? 'Run again later.' : 'Change the table or the configuration; then run again.');
  return new ConnectorError(errorCode, {
    message: `Writing to ${table} failed: ${reason}${code ? ` (${code})` : ''}.`,
    remedy,
    cause,
  });
}
