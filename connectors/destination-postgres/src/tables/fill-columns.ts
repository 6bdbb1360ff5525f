import type { Session } from '../connect/session.ts';
import { tableName, valueAt } from '../merge/merge-sql.ts';
import { castSql } from './column-type.ts';
import { quoteName } from './identifier.ts';
import type { PlannedColumn, TablePlan } from './plan-tables.ts';
import { inTransaction } from './transaction.ts';

/** Marks a column, in its comment, until the rows that were there before it are filled: a fill that was cut off goes on. */
export const fillingMark = 'penstock: being filled';

/** Blocks of a table that are filled in one transaction: about a thousand rows, a few milliseconds each. */
const fillBlocks = 128;

/**
 * Fills columns from `_raw_data` in the rows that are there, in small steps, and takes their marks away. Each column for itself:
 * a row may have some of them already, from a fill that was cut off or from a writer that knew them. What is filled stays, and
 * a row whose record has nothing for the columns that it lacks is not written.
 */
export async function fillColumns(client: Session, plan: TablePlan, columns: readonly PlannedColumn[]): Promise<void> {
  if (columns.length === 0) return;
  const name = tableName(plan);
  const { rows } = await client.query<{ blocks: string }>(
    'select pg_relation_size($1::regclass) / current_setting($2)::int as blocks',
    [name, 'block_size'],
  );
  const filled = columns.map((column) => ({ column: quoteName(column.name), value: valueSql(column) }));
  const set = filled.map(({ column, value }) => `${column} = coalesce(t.${column}, ${value})`).join(', ');
  const isLacking = filled.map(({ column, value }) => `t.${column} is null and ${value} is not null`).join(' or ');
  // Many columns make an update that Postgres would compile, which takes longer than the step.
  for (let block = 0; block <= Number(rows[0]?.blocks); block += fillBlocks)
    await inTransaction(client, () =>
      client.query(
        `set local jit = off; update ${name} t set ${set} where t.ctid >= '(${block},0)'::tid and t.ctid < '(${block + fillBlocks},0)'::tid and (${isLacking})`,
      ),
    );
  for (const column of columns) await client.query(`comment on column ${name}.${quoteName(column.name)} is null`);
}

/**
 * A column's value. Its JSON is taken out of the record once, however often the cast looks at it: a record that is stored apart
 * (TOAST) would be fetched each time. `offset 0` keeps the planner from putting the expression back where it is used.
 */
function valueSql({ kind, path }: PlannedColumn): string {
  return `(select ${castSql(kind, 'x.json')} from (select ${valueAt('t._raw_data', path)} as json offset 0) x)`;
}
