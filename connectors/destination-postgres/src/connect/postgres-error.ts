import { ConnectorError } from '@penstock/connector-sdk';
import { isFromServer, type PostgresError, reasonOf } from '@penstock/postgres-connection';
import type { CodedErrorDetail } from '@penstock/protocol';

export { isFromServer, type PostgresError, reasonOf } from '@penstock/postgres-connection';

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

const codes: readonly (readonly [RegExp, Trouble])[] = [
  // Shut down, crashed, starting up, ended by an administrator or for being idle; its database dropped; the server behind it
  // became a standby, so that another one is primary; a session that lost its prepared statements.
  [/^(08|57P0[1-5]|25P0[34]|25006|26000)/, 'connection'],
  // Deadlock and serialisation, lock timeout, statement timeout or cancelled, out of disk, memory or connections, a failing
  // disk, and what Postgres calls an internal error (a table that changes at the same moment gives some).
  [/^(40|55P03|57014|53|58|XX)/, 'transient'],
  // Bad value; a constraint that the user added; a key too long for its index, nesting too deep; refused by a user's trigger.
  [/^(22|23|54|P0001)/, 'record'],
];

/** Sorts an error. What is not from a server is from the socket, or a defect of ours (an assertion). */
export function classify(error: unknown): Trouble {
  const { code = '', message = '' } = error as PostgresError;
  if (isFromServer(error)) return codes.find(([pattern]) => pattern.test(code))?.[1] ?? 'permanent';
  if (error instanceof TypeError) return 'permanent';
  if (/^(E(?!RR_)[A-Z]+|ERR_STREAM_.*|ERR_SSL_.*)$/.test(code)) return 'connection';
  return /connection|timeout expired|not queryable/i.test(message) ? 'connection' : 'permanent';
}

/** Whether an error is about the text of a JSON value, which COPY finds as well, and then names its row. */
export function isOfJson(error: unknown): boolean {
  return /^(22P02|22P05|22021|22003|54001)$/.test((error as PostgresError).code ?? '');
}

/**
 * The number of the COPY row, from 1, that an error names, in whatever language the server speaks. It stands in the last line of
 * the context; the lines before it quote the record, which may say anything.
 */
export function rowOf(error: unknown): number | undefined {
  const where = (error as PostgresError).where?.split('\n').at(-1) ?? '';
  const row = /COPY.*\bpenstock_stage\b\D*(\d+)/.exec(where)?.[1];
  return row === undefined ? undefined : Number(row);
}

/** What is to be said of a connection that was lost, and could not be had again. */
export function connectionLost(cause: unknown): CodedErrorDetail {
  if ((cause as PostgresError).code === '25006')
    return {
      message: `Postgres takes no writes: ${reasonOf(cause)}.`,
      remedy:
        'Connect to the primary server, not to a standby; on a primary, switch default_transaction_read_only off for this user and database.',
      cause,
    };
  return { message: `The connection to Postgres broke: ${reasonOf(cause)}.`, remedy: 'Run again later.', cause };
}

const remedies: Readonly<Record<string, string>> = {
  '42P01': 'The table was dropped while it was written: run again.',
  '3F000': 'The schema was dropped while it was written: run again.',
  '42703': 'The table was changed while it was written: run again.',
  '42804': 'The table was changed while it was written: run again.',
  '54011': 'Choose fewer `fields`, or set columns: raw.',
  '53100': 'Free disk space on the server; then run again.',
  '53400': 'Raise the limit that it names for this user, or set smaller `limits.batch_bytes_max`; then run again.',
  '55P03':
    'Somebody holds a lock on it for longer than lock_timeout allows: raise that for this user, or run again later.',
  '57014': 'Raise statement_timeout for this user when that is what it was, or run again later.',
};

/** An error of writing into a table, in words that say what to do. */
export function tableError(cause: unknown, table: string): ConnectorError {
  const { code = '' } = cause as PostgresError;
  const message = `Writing to ${table} failed: ${reasonOf(cause)}${code ? ` (${code})` : ''}.`;
  if (code === '42501')
    return new ConnectorError('permission_missing', {
      message,
      remedy: `Grant usage and create on its schema, and select, insert, update and delete on ${table}; only its owner may add columns.`,
      cause,
    });
  // What is wrong with a record is dealt with where the batches are; of a table's definition it is for a person to mend.
  const isPassing = ['connection', 'transient'].includes(classify(cause));
  const remedy = isPassing ? 'Run again later.' : 'Change the table or the configuration; then run again.';
  return new ConnectorError(isPassing ? 'upstream_failed' : 'config_invalid', {
    message,
    remedy: remedies[code] ?? remedy,
    cause,
  });
}
