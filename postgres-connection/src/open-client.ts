import { isIP } from 'node:net';
import { CodedError } from '@penstock/protocol';
import type { Client, ClientConfig } from 'pg';
import { addressOf, connectionError, isLoopback } from './connection-error.ts';
import { type ConnectionPlan, isSocketFolder, type Server } from './connection-plan.ts';
import { breakOff, hangUp, processIdOf } from './raw-connection.ts';
import { isFromServer } from './server-error.ts';
import type { Attempt, Safety } from './tls-mode.ts';

/** A client that is connected. */
export type OpenClient = {
  readonly client: Client;
  readonly server: Server;
  readonly safety: Safety;
  /** Whether a pooler stands between: it gives out numbers of its own for the processes of the server. */
  readonly isPooled: boolean;
};

/**
 * Connects to the first server that can be reached and written, as its `sslmode` says.
 *
 * @throws CodedError that says what is wrong, without the password
 */
export async function openClient(plan: ConnectionPlan): Promise<OpenClient> {
  const failures: CodedError[] = [];
  for (const server of plan.servers) {
    try {
      return await openOn(plan, server);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      failures.push(error);
      // Only one that is away, or stands by, is passed over (libpq, "Specifying Multiple Hosts").
      if (error.code !== 'unreachable') break;
    }
  }
  const last = failures.at(-1)!;
  if (failures.length === 1) throw last;
  throw new CodedError(last.code, {
    message: failures.map(({ message }) => message).join(' '),
    remedy: last.remedy,
    cause: last.cause,
  });
}

/** Tries one server in each way that its mode allows: libpq goes on to the next way after any failure but to reach it. */
async function openOn(plan: ConnectionPlan, server: Server): Promise<OpenClient> {
  const attempts: readonly Attempt[] = isSocketFolder(server.host) ? ['plain'] : plan.tls.attempts;
  const failures: { attempt: Attempt; cause: unknown }[] = [];
  for (const attempt of attempts) {
    try {
      return await tryOnce(plan, server, attempt);
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      failures.push({ attempt, cause });
      if (isOutOfReach(cause)) break;
    }
  }
  // What was said to an encrypted attempt is what is wrong; unless that was refused as such.
  const encrypted = failures.find(({ attempt, cause }) => attempt === 'tls' && !isWithoutTls(cause));
  const { cause } = encrypted ?? failures.at(-1)!;
  throw connectionError(cause, { ...targetOf(plan, server), sslMode: plan.tls.mode });
}

async function tryOnce(plan: ConnectionPlan, server: Server, attempt: Attempt): Promise<OpenClient> {
  // Loaded when it is needed: `spec` shouldn't wait for it.
  const { default: pg } = await import('pg');
  const client = new pg.Client(clientConfig(plan, server, attempt));
  // A connection that breaks while nothing runs on it reports so here; the next statement fails anyway.
  client.on('error', () => {});
  return finishWithin(client, plan.connectSecondsMax, async () => {
    const isBound = watchChannelBinding(client);
    await client.connect();
    if (plan.channelBinding === 'require' && !isBound())
      throw new CodedError('config_invalid', {
        message: `Postgres at ${addressOf(server)} did not bind the password to the encrypted connection, and channel_binding=require asks for that.`,
        remedy: 'Use sslmode=verify-full and a password stored as scram-sha-256, or leave channel_binding out.',
      });
    const { rows } = await client.query<Found>(
      `select pg_backend_pid() as pid, pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean as is_read_only`,
    );
    const { pid, is_read_only: isReadOnly } = rows[0]!;
    if (isReadOnly && plan.wantsPrimary)
      throw new CodedError('unreachable', {
        message: `Postgres at ${addressOf(server)} only reads.`,
        remedy: 'Name the primary server in `url`.',
      });
    return { client, server, safety: safetyOf(plan, server, attempt), isPooled: pid !== processIdOf(client) };
  });
}

/** Does what belongs to connecting, and breaks the connection off when that takes too long or fails. */
export async function finishWithin<T>(client: Client, secondsMax: number, work: () => Promise<T>): Promise<T> {
  const timedOut = Object.assign(new Error(`no answer within ${secondsMax} s`), { code: 'ETIMEDOUT' });
  const timer = setTimeout(() => breakOff(client, timedOut), secondsMax * 1000);
  try {
    return await work();
  } catch (error) {
    await hangUp(client);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

type Found = { readonly pid: number; readonly is_read_only: boolean };

function clientConfig(plan: ConnectionPlan, server: Server, attempt: Attempt): ClientConfig {
  const { host, address, port, password } = server;
  return {
    host: address,
    port,
    database: plan.database,
    user: plan.user,
    // A function: without a value the package would look for files of its own.
    password: (() => password) as () => string,
    application_name: plan.applicationName,
    ...(plan.options !== undefined && { options: plan.options }),
    ...(plan.querySecondsMax !== undefined && { query_timeout: plan.querySecondsMax * 1000 }),
    keepAlive: plan.keepAliveMs !== undefined,
    keepAliveInitialDelayMillis: plan.keepAliveMs ?? 0,
    enableChannelBinding: plan.channelBinding !== 'disable' && attempt === 'tls',
    ssl: attempt === 'tls' && tlsOptions(plan, host),
    ...({ sslnegotiation: attempt === 'tls' && plan.tls.isDirect ? 'direct' : 'postgres' } as object),
  };
}

function tlsOptions({ tls }: ConnectionPlan, host: string): Exclude<ClientConfig['ssl'], undefined> {
  const { verification, ca, own, minVersion, maxVersion } = tls;
  return {
    rejectUnauthorized: verification !== 'nothing',
    // The name that was written counts, wherever its address came from.
    checkServerIdentity: (_, certificate) =>
      verification === 'name' ? process.getBuiltinModule('node:tls').checkServerIdentity(host, certificate) : undefined,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca && { ca: [...ca] }),
    ...(own && { cert: own.cert, key: own.key, ...(own.passphrase !== undefined && { passphrase: own.passphrase }) }),
    ...(minVersion && { minVersion }),
    ...(maxVersion && { maxVersion }),
  };
}

function safetyOf({ tls }: ConnectionPlan, { host }: Server, attempt: Attempt): Safety {
  if (attempt === 'tls' && tls.verification !== 'nothing') return tls.verification;
  if (isSocketFolder(host) || isLoopback(host)) return 'local';
  return attempt === 'plain' ? 'plain' : 'unverified';
}

/** Where a connection goes; for messages. */
export function targetOf({ database, user }: ConnectionPlan, { host, port }: Server) {
  return { host, port, database, user };
}

/** Whether nobody answered at all: another way of asking does not help then. */
export function isOutOfReach(cause: unknown): boolean {
  const { code = '', message = '', syscall } = cause as NodeJS.ErrnoException;
  return (
    syscall === 'connect' ||
    syscall === 'getaddrinfo' ||
    code === 'ETIMEDOUT' ||
    /timeout expired/.test(message) ||
    // Node reports the failures of all addresses of a name as one.
    cause instanceof AggregateError
  );
}

function isWithoutTls(cause: unknown): boolean {
  return !isFromServer(cause) && /does not support SSL/.test((cause as Error).message);
}

/** @returns tells whether the server offered to bind, which the package then does */
function watchChannelBinding(client: Client): () => boolean {
  let isOffered = false;
  const { connection } = client as Client & { connection: { on(name: string, then: (said: Offer) => void): void } };
  connection.on('authenticationSASL', ({ mechanisms }) => {
    isOffered = mechanisms.includes('SCRAM-SHA-256-PLUS');
  });
  return () => isOffered;
}

type Offer = { readonly mechanisms: readonly string[] };
