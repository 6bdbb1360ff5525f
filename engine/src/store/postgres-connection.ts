import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '@penstock/protocol';
import pg from 'pg';
import { isTransient, type PostgresPlace, toStoreError } from './postgres-error.ts';

/** How long connecting may take, in milliseconds. */
const CONNECT_MS = 10_000;

/** How long one statement may take, in milliseconds. All of them are small. */
const QUERY_MS = 30_000;

/** How long a call is tried again after transient failures, in milliseconds, from its first one. */
export const STORE_RETRY_MS = 30_000;

/** Waiting time before the n-th retry (first is 0), in milliseconds. */
const retryDelayMs = (retry: number) => Math.min(2_000, 100 * 2 ** retry);

/** How a state database is reached. */
export interface PostgresStoreConfig {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Schema of the state tables. */
  readonly schema?: string;
  /** Certificate authority (PEM) that the server's certificate must be signed by. Needs TLS. */
  readonly sslCaPem?: string;
  /** For tests; {@link STORE_RETRY_MS} otherwise. */
  readonly retryMs?: number;
}

/** A {@link PostgresStoreConfig} that was understood. */
export interface PostgresTarget {
  readonly client: pg.ClientConfig;
  readonly place: PostgresPlace;
  readonly retryMs: number;
}

/** @throws CodedError `config_invalid` when the URL is none; it is not shown, since it may hold a password */
export function parseTarget(config: PostgresStoreConfig): PostgresTarget {
  try {
    const url = new URL(config.url);
    if (config.sslCaPem !== undefined) {
      // pg lets these win over its `ssl` option.
      for (const key of ['sslmode', 'sslrootcert', 'sslcert', 'sslkey']) url.searchParams.delete(key);
    }
    const client: pg.ClientConfig = {
      connectionString: url.href,
      application_name: 'penstock state',
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: QUERY_MS,
      keepAlive: true,
      ...(config.sslCaPem === undefined ? {} : { ssl: { ca: config.sslCaPem } }),
    };
    const { host, port, database = '', user = '' } = new pg.Client(client);
    return {
      client,
      place: { host, port, database, user, schema: config.schema ?? 'penstock' },
      retryMs: config.retryMs ?? STORE_RETRY_MS,
    };
  } catch (cause) {
    throw new CodedError('config_invalid', {
      message: 'The URL of the state database is not valid.',
      remedy: 'Write it as postgres://user:password@host:port/database, with special characters percent-encoded.',
      cause,
    });
  }
}

/** One connection that comes back after it broke. Calls are run one after another. */
export class PostgresConnection {
  readonly #target: PostgresTarget;
  readonly #onConnect: (query: pg.Client) => Promise<void>;
  #client: Promise<pg.Client> | undefined;
  /** Resolves when the call before has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** @param onConnect runs on each new connection before anything else does */
  constructor(target: PostgresTarget, onConnect: (client: pg.Client) => Promise<void> = async () => {}) {
    this.#target = target;
    this.#onConnect = onConnect;
  }

  /**
   * Does something once.
   *
   * @throws CodedError see {@link toStoreError}
   */
  async once<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    try {
      return await this.#use(use);
    } catch (error) {
      throw toStoreError(error, this.#target.place);
    }
  }

  /**
   * As {@link once}, but tried again after transient failures, on a new connection. `use` must be fit for repeating.
   *
   * @param worthRetrying which failures
   */
  async retried<T>(
    use: (client: pg.Client) => Promise<T>,
    worthRetrying: (error: unknown) => boolean = isTransient,
  ): Promise<T> {
    const deadline = performance.now() + this.#target.retryMs;
    for (let retry = 0; ; retry++) {
      try {
        return await this.#use(use);
      } catch (error) {
        const waitMs = retryDelayMs(retry);
        if (this.#closed || !worthRetrying(error) || performance.now() + waitMs > deadline) {
          throw toStoreError(error, this.#target.place);
        }
        await delay(waitMs);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = await this.#client?.catch(() => undefined);
    await client?.end().catch(() => {});
  }

  /** A renewal of the lease must not begin in the middle of another call: the client runs one statement at a time. */
  #use<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    const used = this.#turn.then(() => this.#useNow(use));
    this.#turn = used.catch(() => undefined);
    return used;
  }

  async #useNow<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    // A connection made now would be nobody's to end.
    if (this.#closed) throw new Error('the connection is closed');
    this.#client ??= this.#connect();
    const current = this.#client;
    try {
      return await use(await current);
    } catch (error) {
      // Where the server gave no answer, nobody knows in what state the connection is.
      if (isTransient(error)) this.#drop(current);
      throw error;
    }
  }

  #drop(broken: Promise<pg.Client>): void {
    if (this.#client === broken) this.#client = undefined;
    broken.then((client) => client.end()).catch(() => {});
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#target.client);
    // Without a listener a connection that breaks while idle would stop the engine; the next statement finds out.
    client.on('error', () => {});
    try {
      await client.connect();
      await this.#onConnect(client);
      return client;
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
  }
}

/** Runs statements in one transaction. A client that stalls in the middle is cut off by the server, so nobody waits for it. */
export async function transaction<T>(client: pg.Client, body: () => Promise<T>): Promise<T> {
  await client.query("begin; set local idle_in_transaction_session_timeout = '10s'; set local lock_timeout = '10s'");
  try {
    const result = await body();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
