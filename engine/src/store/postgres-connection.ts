import { setTimeout as delay } from 'node:timers/promises';
import {
  type ConnectionConfig,
  locateServers,
  type OpenClient,
  openClient,
  planConnection,
} from '@penstock/postgres-connection';
import { CodedError } from '@penstock/protocol';
import type pg from 'pg';
import { isTransient, type PostgresPlace, sqlState, toStoreError } from './postgres-error.ts';

/** How long connecting to a server may take, in seconds. */
const CONNECT_SECONDS_MAX = 10;

/** How long one statement may take, in seconds. All of them are small. */
const QUERY_SECONDS_MAX = 30;

/** How long a call is tried again after transient failures, in milliseconds, from its first one. */
export const STORE_RETRY_MS = 30_000;

/** Waiting time before the n-th retry (first is 0), in milliseconds. */
const retryDelayMs = (retry: number) => Math.min(2_000, 100 * 2 ** retry);

/** How a state database is reached: as a Postgres destination reaches its own (decision 0013). */
export interface PostgresStoreConfig extends Omit<ConnectionConfig, 'application_name' | 'limits'> {
  /** Schema of the state tables. */
  readonly schema?: string;
  /** For tests; {@link STORE_RETRY_MS} otherwise. */
  readonly retryMs?: number;
}

/** A {@link PostgresStoreConfig} that was understood. */
export interface PostgresTarget {
  readonly config: ConnectionConfig;
  readonly place: PostgresPlace;
  readonly retryMs: number;
}

/** @throws CodedError `config_invalid` when it says nowhere to go; the URL is not shown, since it may hold a password */
export function parseTarget({ schema, retryMs, ...given }: PostgresStoreConfig): PostgresTarget {
  const config: ConnectionConfig = {
    ...given,
    application_name: 'penstock state',
    limits: { connect_seconds_max: CONNECT_SECONDS_MAX, query_seconds_max: QUERY_SECONDS_MAX },
  };
  try {
    return {
      config,
      place: { ...locateServers(config), schema: schema ?? 'penstock' },
      retryMs: retryMs ?? STORE_RETRY_MS,
    };
  } catch (cause) {
    throw aboutStore(cause);
  }
}

/** Says that an error in how to connect is about the state database. */
function aboutStore(error: unknown): unknown {
  if (!(error instanceof CodedError)) return error;
  const { code, message, remedy, cause } = error;
  return new CodedError(code, {
    message: `The state database can't be used: ${message}`,
    remedy,
    cause,
  });
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
    const { client } = await open(this.#target.config);
    // Without a listener a connection that breaks while idle would stop the engine; the next statement finds out.
    client.on('error', () => {});
    try {
      await this.#onConnect(client);
      return client;
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
  }
}

/**
 * Opens a connection.
 *
 * @throws what the server or the socket said, which is sorted and told as it is of statements; CodedError for what is wrong
 *   with how the connection is to be made
 */
async function open(config: ConnectionConfig): Promise<OpenClient> {
  let isOne = true;
  try {
    const plan = await planConnection(config);
    isOne = plan.servers.length === 1;
    return await openClient(plan);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message, cause } = error;
    // Of several servers each has said something; one that only reads may soon be the one that writes.
    if (code === 'unreachable') throw isOne && cause instanceof Error ? cause : new Error(message, { cause });
    if (cause instanceof Error && sqlState(cause) !== undefined) throw cause;
    throw aboutStore(error);
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
