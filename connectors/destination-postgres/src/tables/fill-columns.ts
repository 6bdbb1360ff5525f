import type { Session } from '../connect/session.ts';
import { tableName, valueAt } from '../merge/merge-sql.ts';
import { castSql } from './column-type.ts';
import { quoteName, quoteText } from './identifier.ts';
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
  const values = columns.map(({ kind, path }) => castSql(kind, valueAt('t._raw_data', path)));
  const set = columns
    .map((column, index) => `${quoteName(column.name)} = coalesce(t.${quoteName(column.name)}, ${values[index]})`)
    .join(', ');
  // The question whether the field is there at all is much cheaper than its value.
  const isLacking = columns
    .map(
      (column, index) =>
        `(t.${quoteName(column.name)} is null and t._raw_data ? ${quoteText(column.path[0]!)} and (${values[index]}) is not null)`,
    )
    .join(' or ');
  for (let block = 0; block <= Number(rows[0]?.blocks); block += fillBlocks)
    await inTransaction(client, () =>
      client.query(
        `update ${name} t set ${set} where t.ctid >= '(${block},0)'::tid and t.ctid < '(${block + fillBlocks},0)'::tid and (${isLacking})`,
      ),
    );
  for (const column of columns) await client.query(`comment on column ${name}.${quoteName(column.name)} is null`);
}
