import type { ConnectorLog } from '@penstock/connector-sdk';
import { classify, reasonOf } from '../connect/postgres-error.ts';
import type { Session } from '../connect/session.ts';
import { tableName } from '../merge/merge-sql.ts';
import { NameGiver, quoteName } from './identifier.ts';
import type { TablePlan } from './plan-tables.ts';
import { oneAtATime } from './transaction.ts';

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

/** Makes the indexes of a table that was made in the same transaction, of {@link oneAtATime}. */
export async function createIndexes(
  session: Session,
  plan: TablePlan,
  indexes: readonly PlannedIndex[],
): Promise<void> {
  if (indexes.length === 0) return;
  // Tables, indexes, views and sequences of a schema share their names.
  const { rows } = await session.query<{ name: string }>(
    'select c.relname as name from pg_class c join pg_namespace s on s.oid = c.relnamespace where s.nspname = $1',
    [plan.schema],
  );
  const names = new NameGiver(rows.map(({ name }) => name));
  for (const { name, column } of indexes)
    await session.query(`create index ${quoteName(names.give(name))} on ${tableName(plan)} (${quoteName(column)})`);
}

/**
 * Makes the indexes that a table lacks, each by itself, since readers need not wait for one. One that can't be made now is
 * a warning: records can be stored without it, and the next run tries again.
 */
export async function addIndexes(
  session: Session,
  plan: TablePlan,
  indexes: readonly PlannedIndex[],
  log: ConnectorLog,
): Promise<void> {
  for (const index of indexes)
    try {
      await oneAtATime(session, async () => {
        const { rows } = await session.query<{ name: string }>(
          `select x.attname as name from (${indexedColumnsSql('$1::regclass')}) x`,
          [tableName(plan)],
        );
        // What another process did meanwhile counts.
        if (!rows.some(({ name }) => name === index.column)) await createIndexes(session, plan, [index]);
      });
    } catch (error) {
      if (classify(error) !== 'transient') throw error;
      log.warn(
        `The index on ${index.column} of ${tableName(plan)} could not be made: ${reasonOf(error)}. The next run tries again.`,
        { stream: plan.stream },
      );
    }
}
