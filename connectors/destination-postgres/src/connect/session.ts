import type { Safety, Target } from '@penstock/postgres-connection';
import type { Client } from 'pg';
import { passingStageSql, stageSql } from '../merge/merge-sql.ts';

/** A connection, and what may be relied on from one transaction to the next. */
export type Session = Client & {
  /** Where it goes; for messages. */
  readonly target: Target;
  readonly safety: Safety;
  /**
   * True when a pooler stands between (PgBouncer, …), which may give each transaction another server connection. Then
   * nothing may outlive a transaction: no setting, no prepared statement, no temporary table.
   */
  readonly isPooled: boolean;
  /** Begins a transaction in which our settings hold; `withStage` also makes the stage where it can't be kept. */
  begin(options?: { readonly withStage?: boolean }): Promise<void>;
  /** Under which name a statement is prepared; undefined where it must not be. */
  statementName(name: string): string | undefined;
  /** Adds settings and the stage, for writing. */
  prepareWriting(): Promise<void>;
};

type Settings = readonly (readonly [name: string, value: string])[];

/**
 * What our statements rely on, whatever the server, the database or the role has as its default. Times without an offset are
 * UTC. A batch waits its turn inside a transaction, and must then see what the one before it committed.
 */
const baseSettings: Settings = [
  ['standard_conforming_strings', 'on'],
  ['timezone', `'UTC'`],
  ['client_min_messages', 'warning'],
  ['default_transaction_isolation', `'read committed'`],
  ['idle_in_transaction_session_timeout', '0'],
];

/**
 * A stage is kept and sorted in memory. Every join is with an index: a plan that reads a whole table for a batch is never
 * right here, whatever the statistics say. A key finds one row; for a new table without statistics the planner expects many,
 * and would take a bitmap scan, which takes twice as long for one.
 */
const writeSettings: Settings = [
  ['work_mem', `'64MB'`],
  ['jit', 'off'],
  ['enable_hashjoin', 'off'],
  ['enable_mergejoin', 'off'],
  ['enable_bitmapscan', 'off'],
];

/** Postgres refuses it once a session has used temporary tables, so it can't be said in each transaction. */
const stageMemory: Settings = [['temp_buffers', `'32MB'`]];

const setSql = (settings: Settings, scope: 'session' | 'local') =>
  settings.map(([name, value]) => `set ${scope} ${name} = ${value}; `).join('');

/** What a server that commits asynchronously confirms is lost when it crashes (P3). */
const commitSql = (scope: 'session' | 'local') =>
  `select set_config('synchronous_commit', 'on', ${scope === 'local'}) where current_setting('synchronous_commit') = 'off'; `;

/**
 * A batch waits its turn inside a transaction, and what can't be done in parts (an overwrite's end, an index) would be given up
 * again and again. Postgres has it since 17, and refuses a setting that it doesn't know.
 */
const unlimitedTransactionSql = (scope: 'session' | 'local') =>
  `select set_config('transaction_timeout', '0', ${scope === 'local'}) where current_setting('transaction_timeout', true) is not null; `;

const startSql = (settings: Settings, scope: 'session' | 'local') =>
  setSql(settings, scope) + commitSql(scope) + unlimitedTransactionSql(scope);

/** Makes a session of a client that is connected. */
export async function startSession(
  client: Client,
  facts: Pick<Session, 'target' | 'safety' | 'isPooled'>,
): Promise<Session> {
  const rules = facts.isPooled ? passing() : kept();
  await rules.start(client);
  return Object.assign(client, {
    ...facts,
    begin: async (options: { withStage?: boolean } = {}) => {
      await client.query(rules.beginSql(options.withStage ?? false));
    },
    statementName: rules.statementName,
    prepareWriting: () => rules.prepareWriting(client),
  });
}

/** Settings, stage and plans are made once and stay: the fast way. */
function kept() {
  return {
    start: (client: Client) => client.query(startSql(baseSettings, 'session')),
    beginSql: () => 'begin',
    statementName: (name: string): string | undefined => name,
    prepareWriting: async (client: Client) => {
      await client.query(setSql([...writeSettings, ...stageMemory], 'session') + stageSql);
    },
  };
}

/** Each transaction brings along what it needs, and leaves nothing behind. */
function passing() {
  let settings = baseSettings;
  const beginSql = (withStage: boolean) =>
    `begin isolation level read committed; ${startSql(settings, 'local')}${withStage ? passingStageSql : ''}`;
  return {
    start: async () => {},
    beginSql,
    statementName: (): string | undefined => undefined,
    prepareWriting: async (client: Client) => {
      settings = [...baseSettings, ...writeSettings];
      // Whether temporary tables are allowed is known before the first batch.
      await client.query(beginSql(true)).finally(() => client.query('rollback').catch(() => {}));
    },
  };
}
