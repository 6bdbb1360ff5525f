import type { SyncState } from '@penstock/protocol';
import pg from 'pg';
import { hasStateTables, migrate, readMigrations } from './migrate.ts';
import {
  PostgresConnection,
  type PostgresStoreConfig,
  type PostgresTarget,
  parseTarget,
} from './postgres-connection.ts';
import { showPlace } from './postgres-error.ts';
import { HOLDER_COLUMNS, type HolderRow } from './postgres-lease.ts';
import { selectRuns } from './postgres-runs.ts';
import { PostgresStateSession } from './postgres-session.ts';
import type { RunRecord } from './run-history.ts';
import { type StateRow, stateOfRows } from './state-rows.ts';
import type { PipelineSummary, StateSession, StateStore } from './state-store.ts';

class PostgresStateStore implements StateStore {
  readonly place: string;
  readonly #target: PostgresTarget;
  readonly #schema: string;

  constructor(config: PostgresStoreConfig) {
    this.#target = parseTarget(config);
    this.#schema = pg.escapeIdentifier(this.#target.place.schema);
    this.place = showPlace(this.#target.place);
  }

  load(pipeline: string): Promise<SyncState | undefined> {
    return this.#read(undefined, (client) => this.#load(client, pipeline));
  }

  async open(pipeline: string): Promise<StateSession> {
    const session = await this.#openSession(pipeline);
    try {
      await session.loadPrevious((client) => this.#load(client, pipeline));
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  list(): Promise<PipelineSummary[]> {
    return this.#read([], async (client) => {
      const { rows } = await client.query<HolderRow & { pipeline: string; updated_at: Date; stream_count: number }>(
        `select state.*, ${HOLDER_COLUMNS}
         from (
           select pipeline, max(updated_at) as updated_at,
             (count(*) filter (where section = 'source_stream'))::int as stream_count
           from ${this.#schema}.sync_state group by pipeline
         ) state
         left join ${this.#schema}.lease using (pipeline)
         order by pipeline`,
      );
      return rows.map(({ pipeline, updated_at, stream_count, host, pid, since, held }) => ({
        pipeline,
        updatedAt: updated_at.toISOString(),
        streamCount: stream_count,
        ...(held === true ? { holder: { host, pid, since } } : {}),
      }));
    });
  }

  reset(pipeline: string): Promise<boolean> {
    return this.#withSession(pipeline, async (session) => (await session.remove('true', [])).length > 0);
  }

  resetStreams(pipeline: string, streams: readonly string[]): Promise<string[]> {
    return this.#withSession(pipeline, async (session) => {
      // The row of the run itself has no name.
      const where = `section in ('source_stream', 'sync_run') and stream <> '' and stream = any($3)`;
      const removed = await session.remove(where, [streams]);
      return streams.filter((name) => removed.includes(name));
    });
  }

  replace(pipeline: string, state: SyncState): Promise<void> {
    return this.#withSession(pipeline, (session) => session.replace(state));
  }

  runs(pipeline: string, limit: number): Promise<RunRecord[]> {
    const key = { schema: this.#target.place.schema, pipeline };
    return this.#read([], (client) => selectRuns(client, key, limit));
  }

  async close(): Promise<void> {}

  async #withSession<T>(pipeline: string, work: (session: PostgresStateSession) => Promise<T>): Promise<T> {
    const session = await this.#openSession(pipeline);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  async #openSession(pipeline: string): Promise<PostgresStateSession> {
    const migrations = await readMigrations();
    return PostgresStateSession.open(this.#target, pipeline, (client) =>
      migrate(client, this.#target.place, migrations),
    );
  }

  async #load(client: pg.Client, pipeline: string): Promise<SyncState | undefined> {
    const { rows } = await client.query<StateRow>(
      `select section, stream, data::text as data from ${this.#schema}.sync_state
       where pipeline = $1 order by section, stream`,
      [pipeline],
    );
    return stateOfRows(rows, `${this.place}, pipeline "${pipeline}"`);
  }

  /** Reads without making anything: a database that never kept state stays as it is. */
  async #read<T>(nothing: T, read: (client: pg.Client) => Promise<T>): Promise<T> {
    const connection = new PostgresConnection(this.#target);
    try {
      return await connection.once(async (client) => {
        if (!(await hasStateTables(client, this.#target.place.schema))) return nothing;
        await migrate(client, this.#target.place, await readMigrations());
        return read(client);
      });
    } finally {
      await connection.close();
    }
  }
}

/**
 * A store in a Postgres database: tables `sync_state` and `lease` in a schema of their own (`penstock`), made and kept up to
 * date by the migrations in `engine/migrations/`.
 *
 * @throws CodedError `config_invalid` when the URL is none
 */
export function postgresStateStore(config: PostgresStoreConfig): StateStore {
  return new PostgresStateStore(config);
}
