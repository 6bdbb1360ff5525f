import type { ConnectorLog } from '@penstock/connector-sdk';
import { classify, isFromServer, reasonOf } from '../connect/postgres-error.ts';
import type { Session } from '../connect/session.ts';
import { tableName } from '../merge/merge-sql.ts';
import { NameGiver, quoteName } from './identifier.ts';
import type { TablePlan } from './plan-tables.ts';
import { inTransaction } from './transaction.ts';

type PlannedIndex = TablePlan['indexes'][number];

/**
 * SQL of the columns that an index of a table finds rows by: its first column, whatever the name of the index and whoever
 * made it. One that holds some of the rows only, or that a build left unfinished, is none.
 *
 * @param table SQL of its oid
 */
export function indexedColumnsSql(table: string): string {
  return `select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = ${table} and i.indisvalid and i.indpred is null`;
}

/**
 * A server's limit on the time of a statement is meant for others: what can't be done in parts would be given up again and again.
 * Waiting long for a writer would hold up all writers that come after it. And when this program is killed, the server is to
 * notice soon, or the lock would be held until the index is there (where the server's system lets it look).
 */
const settings = `set local statement_timeout = 0; set local lock_timeout = '10s';
do $$ begin set local client_connection_check_interval = '2s'; exception when others then end $$`;

/** What making indexes goes by. */
export type MakeIndexes = {
  readonly log: ConnectorLog;
  /** Aborted when what is not made yet is left to the next run. */
  readonly stopRequested: AbortSignal;
  /** Between two lines that tell that it goes on, in milliseconds. */
  readonly sayEachMs: number;
};

/**
 * Makes the indexes of a plan that its table lacks, one after the other, each in a transaction. Reading goes on meanwhile; writing
 * waits. One that can't be made now is a warning: records can be stored without it, and the next run tries again.
 *
 * @throws what a lost connection gives; then it may be called again
 */
export async function makeIndexes(
  session: Session,
  plan: TablePlan,
  { log, stopRequested, sayEachMs }: MakeIndexes,
): Promise<void> {
  for (const index of plan.indexes) {
    if (stopRequested.aborted) return;
    const what = `The index on ${index.column} of ${tableName(plan)}`;
    const startedAt = performance.now();
    const saying = setInterval(() => {
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      log.info(`${what} is being made, for ${seconds} s now.`, { stream: plan.stream });
    }, sayEachMs);
    try {
      await inTransaction(session, () => makeIndex(session, plan, index));
    } catch (error) {
      if (!isFromServer(error) || classify(error) === 'connection') throw error;
      log.warn(`${what} could not be made: ${reasonOf(error)}. The next run tries again.`, { stream: plan.stream });
    } finally {
      clearInterval(saying);
    }
  }
}

async function makeIndex(session: Session, plan: TablePlan, { name, column }: PlannedIndex): Promise<void> {
  await session.query(settings);
  // Two programs would each make one; and what another process did meanwhile counts.
  await session.query(`lock table ${tableName(plan)} in share row exclusive mode`);
  const { rows: indexed } = await session.query<{ name: string }>(
    `select x.attname as name from (${indexedColumnsSql('$1::regclass')}) x`,
    [tableName(plan)],
  );
  if (indexed.some((each) => each.name === column)) return;
  // Tables, indexes, views and sequences of a schema share their names.
  const { rows: taken } = await session.query<{ name: string }>(
    'select c.relname as name from pg_class c join pg_namespace s on s.oid = c.relnamespace where s.nspname = $1',
    [plan.schema],
  );
  const free = new NameGiver(taken.map((each) => each.name)).give(name);
  await session.query(`create index ${quoteName(free)} on ${tableName(plan)} (${quoteName(column)})`);
}
