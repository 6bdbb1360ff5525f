import type { SyncState } from '@penstock/protocol';
import pg from 'pg';
import { CoalescedSaves } from './coalesce-saves.ts';
import { LEASE_MS, LEASE_RENEWAL_MS } from './lease.ts';
import { PostgresConnection, type PostgresTarget } from './postgres-connection.ts';
import { isStartingUp } from './postgres-error.ts';
import { giveLeaseBack, type LeaseKey, renewLease, takeLease, whoTookIt } from './postgres-lease.ts';
import { finishRun, insertRun } from './postgres-runs.ts';
import type { RunEnd } from './run-history.ts';
import { type RowKey, type StateChanges, stateChanges } from './state-rows.ts';
import type { StateSession } from './state-store.ts';

/**
 * Checks the epoch, renews the lease and writes all rows, in one statement: it is its own transaction, and the server never
 * waits in the middle of it for an engine that stalls. Where the lease is lost nothing is written and no row comes back.
 */
const writeStatement = (schema: string) => `
  with held as (
    update ${schema}.lease set expires_at = clock_timestamp() + $3 * interval '1 millisecond'
    where pipeline = $1 and epoch = $2 returning epoch
  ), written as (
    insert into ${schema}.sync_state (pipeline, section, stream, data, epoch, updated_at)
    select $1, row.section, row.stream, row.data::json, held.epoch, clock_timestamp()
    from held, unnest($4::text[], $5::text[], $6::text[]) as row (section, stream, data)
    on conflict (pipeline, section, stream) do update
      set data = excluded.data, epoch = excluded.epoch, updated_at = excluded.updated_at
  ), removed as (
    delete from ${schema}.sync_state state
    using held, unnest($7::text[], $8::text[]) as row (section, stream)
    where state.pipeline = $1 and state.section = row.section and state.stream = row.stream
  )
  select from held`;

/** The lease on one pipeline, on a connection of its own: while that lives so does the lease. */
export class PostgresStateSession implements StateSession {
  readonly #key: LeaseKey;
  readonly #epoch: bigint;
  readonly #connection: PostgresConnection;
  readonly #saves: CoalescedSaves<SyncState>;
  readonly #lost = new AbortController();
  readonly #renewal: NodeJS.Timeout;
  #previous: SyncState | undefined;
  #saved: SyncState | undefined;

  private constructor(key: LeaseKey, epoch: bigint, connection: PostgresConnection) {
    this.#key = key;
    this.#epoch = epoch;
    this.#connection = connection;
    this.#saves = new CoalescedSaves((state) => this.#write(state));
    this.#renewal = setInterval(() => {
      this.#connection
        .retried((client) => renewLease(client, this.#key, this.#epoch))
        .catch((error) => this.#lost.abort(error));
    }, LEASE_RENEWAL_MS);
    this.#renewal.unref();
  }

  /**
   * Takes the lease.
   *
   * @param prepare runs before, on the same connection
   * @throws CodedError see StateStore.open
   */
  static async open(
    target: PostgresTarget,
    pipeline: string,
    prepare: (client: pg.Client) => Promise<void>,
  ): Promise<PostgresStateSession> {
    const key = { schema: target.place.schema, pipeline };
    let epoch: bigint | undefined;
    const connection = new PostgresConnection(target, async (client) => {
      // A connection that replaces a broken one is the holder's session from now on.
      if (epoch !== undefined) await renewLease(client, key, epoch);
    });
    try {
      // A server that is down is said at once; one that is just coming up is waited for.
      epoch = await connection.retried(async (client) => {
        await prepare(client);
        return takeLease(client, key);
      }, isStartingUp);
      return new PostgresStateSession(key, epoch, connection);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Loads what was saved before. To be called once, before the first save. */
  async loadPrevious(load: (client: pg.Client) => Promise<SyncState | undefined>): Promise<void> {
    this.#previous = await this.#connection.retried(load);
    this.#saved = this.#previous;
  }

  get previous(): SyncState | undefined {
    return this.#previous;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  save(state: SyncState): Promise<void> {
    if (this.#lost.signal.aborted) return Promise.reject(this.#lost.signal.reason);
    return this.#saves.save(state);
  }

  /** Removes rows, under the lease. @returns the stream of each; it is empty where a row is not about one */
  async remove(where: string, values: readonly unknown[]): Promise<string[]> {
    const schema = pg.escapeIdentifier(this.#key.schema);
    const { rows } = await this.#connection.once((client) =>
      client.query<{ stream: string }>(
        `delete from ${schema}.sync_state where pipeline = $1 and ${where}
           and exists (select from ${schema}.lease where pipeline = $1 and epoch = $2) returning stream`,
        [this.#key.pipeline, this.#epoch, ...values],
      ),
    );
    return rows.map(({ stream }) => stream);
  }

  /** Writes a state, and removes all rows that are not of it: whatever they hold, they are not read. */
  async replace(state: SyncState): Promise<void> {
    const { written } = stateChanges(undefined, state);
    const schema = pg.escapeIdentifier(this.#key.schema);
    await this.#connection.retried(async (client) => {
      const { rows } = await client.query<RowKey>(
        `select section, stream from ${schema}.sync_state where pipeline = $1`,
        [this.#key.pipeline],
      );
      const isWritten = (row: RowKey): boolean =>
        written.some(({ section, stream }) => section === row.section && stream === row.stream);
      await this.#writeChanges(client, { written, removed: rows.filter((row) => !isWritten(row)) });
    });
  }

  async beginRun(runId: string): Promise<void> {
    try {
      await this.#connection.retried((client) => insertRun(client, this.#key, this.#epoch, runId));
    } catch (error) {
      this.#lost.abort(error);
      throw error;
    }
  }

  async endRun(end: RunEnd): Promise<void> {
    // A store that was lost is not waited for once more.
    if (this.#lost.signal.aborted) return;
    await this.#connection.once((client) => finishRun(client, this.#key, this.#epoch, end)).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#saves.whenIdle();
    clearInterval(this.#renewal);
    // What can't be given back ends with the connection. A store that was lost is not waited for once more.
    if (!this.#lost.signal.aborted) {
      await this.#connection.once((client) => giveLeaseBack(client, this.#key, this.#epoch)).catch(() => {});
    }
    await this.#connection.close();
  }

  async #write(state: SyncState): Promise<void> {
    try {
      const changes = stateChanges(this.#saved, state);
      if (changes.written.length + changes.removed.length > 0) {
        await this.#connection.retried((client) => this.#writeChanges(client, changes));
      }
      this.#saved = state;
    } catch (error) {
      this.#lost.abort(error);
      throw error;
    }
  }

  async #writeChanges(client: pg.Client, { written, removed }: StateChanges): Promise<void> {
    const { rowCount } = await client.query(writeStatement(pg.escapeIdentifier(this.#key.schema)), [
      this.#key.pipeline,
      this.#epoch,
      LEASE_MS,
      written.map((row) => row.section),
      written.map((row) => row.stream),
      written.map((row) => row.data),
      removed.map((row) => row.section),
      removed.map((row) => row.stream),
    ]);
    if (rowCount === 0) throw await whoTookIt(client, this.#key);
  }
}
