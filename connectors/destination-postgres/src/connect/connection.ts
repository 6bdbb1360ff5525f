import { ConnectorError } from '@penstock/connector-sdk';
import type { Client } from 'pg';
import type { Config } from '../config.ts';
import { stageSql } from '../merge/merge-sql.ts';
import { quoteName } from '../tables/identifier.ts';
import { connectionError, type Target } from './connection-error.ts';

/** No connection, and waiting did not help: the run ends, not just a stream. */
export class ConnectionFailure extends ConnectorError {}

/**
 * What our statements rely on, whatever the server, the database or the role has as its default. Times without an offset are
 * UTC. A batch waits its turn inside a transaction, and must then see what the one before it committed. What a server that
 * commits asynchronously confirms is lost when it crashes (P3).
 */
const sessionSql = `
set standard_conforming_strings = on; set timezone = 'UTC'; set client_min_messages = warning;
set default_transaction_isolation = 'read committed'; set idle_in_transaction_session_timeout = 0;
select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';`;

/** Where nothing comes for so long the other side is asked whether it is still there, in milliseconds. */
const keepAliveMs = 30_000;

/**
 * Connects, with the settings that every statement here relies on.
 *
 * @throws ConnectorError that says what is wrong, without the password
 */
export async function connect(config: Config): Promise<Client> {
  const client = await makeClient(config);
  // A connection that breaks while nothing runs on it reports so here; the next statement fails anyway.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(sessionSql);
  } catch (error) {
    throw await closeAfter(client, connectionError(error, targetOf(client)));
  }
  return client;
}

async function makeClient(config: Config): Promise<Client> {
  // Loaded when it is needed: `spec` shouldn't wait for it.
  const { default: pg } = await import('pg');
  try {
    return new pg.Client({
      connectionString: config.url,
      application_name: 'penstock',
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      connectionTimeoutMillis: config.limits.connect_seconds_max * 1000,
      ...(config.ssl_ca_pem !== undefined && { ssl: { ca: config.ssl_ca_pem } }),
    });
  } catch {
    // The cause is left out: it holds the URL with its password.
    throw new ConnectorError('config_invalid', {
      message: '`url` is no valid Postgres URL.',
      remedy:
        'Write postgres://USER:PASSWORD@HOST:5432/DATABASE, with special characters in the password percent-encoded.',
    });
  }
}

/**
 * Makes a connection ready for writing: the stage, and settings that make merging fast.
 *
 * @throws ConnectorError `permission_missing` when temporary tables are not allowed
 */
export async function prepareWriting(client: Client): Promise<void> {
  const { database, user } = targetOf(client);
  try {
    // A stage is kept and sorted in memory. Every join is with an index: a plan that reads a whole table for a batch is never
    // right here, whatever the statistics say.
    await client.query(
      `set work_mem = '64MB'; set temp_buffers = '32MB'; set jit = off; set enable_hashjoin = off; set enable_mergejoin = off; ${stageSql}`,
    );
  } catch (cause) {
    if ((cause as { code?: string }).code !== '42501') throw cause;
    throw new ConnectorError('permission_missing', {
      message: `User "${user}" may not make temporary tables in database "${database}".`,
      remedy: `Run: grant temporary on database ${quoteName(database)} to ${quoteName(user)}`,
      cause,
    });
  }
}

/** Where a client connects to; for messages. */
export function targetOf(client: Client): Target {
  const { host, port, database = '', user = '' } = client;
  return { host, port, database, user };
}

async function closeAfter<E>(client: Client, error: E): Promise<E> {
  await client.end().catch(() => {});
  return error;
}
