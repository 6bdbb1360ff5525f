import { ConnectorError } from '@penstock/connector-sdk';
import type { Client } from 'pg';
import type { Config } from '../config.ts';
import { quoteName } from '../tables/identifier.ts';
import { connectionError, type Target } from './connection-error.ts';
import { breakOff, hangUp, processIdOf } from './raw-connection.ts';
import { type Session, startSession } from './session.ts';

/** No connection, and waiting did not help: the run ends, not just a stream. */
export class ConnectionFailure extends ConnectorError {}

/** Where nothing comes for so long the other side is asked whether it is still there, in milliseconds. */
const keepAliveMs = 30_000;

/**
 * Connects, with the settings that every statement here relies on.
 *
 * @throws ConnectorError that says what is wrong, without the password
 */
export async function connect(config: Config): Promise<Session> {
  const client = await makeClient(config);
  // A connection that breaks while nothing runs on it reports so here; the next statement fails anyway.
  client.on('error', () => {});
  const { connect_seconds_max: secondsMax } = config.limits;
  const timedOut = Object.assign(new Error(`no answer within ${secondsMax} s`), { code: 'ETIMEDOUT' });
  const timer = setTimeout(() => breakOff(client, timedOut), secondsMax * 1000);
  try {
    await client.connect();
    return await startSession(client, await isPooled(client));
  } catch (error) {
    await hangUp(client);
    throw connectionError(error, targetOf(client));
  } finally {
    clearTimeout(timer);
  }
}

/** A pooler gives out numbers of its own for the processes of the server. */
async function isPooled(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid !== processIdOf(client);
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
export async function prepareWriting(session: Session): Promise<void> {
  const { database, user } = targetOf(session);
  try {
    await session.prepareWriting();
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
