import { ConnectorError } from '@penstock/connector-sdk';
import type { ErrorCode } from '@penstock/protocol';

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
