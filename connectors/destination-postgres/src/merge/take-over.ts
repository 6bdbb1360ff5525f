import type { Session } from '../connect/session.ts';
import { quoteName, quoteText } from '../tables/identifier.ts';
import { readMark, sideMark } from '../tables/mark.ts';
import type { TablePlan } from '../tables/plan-tables.ts';
import { tableName } from './merge-sql.ts';
import type { BatchCounts } from './store-batch.ts';
import { buildTakeOverSql, type TakeOverStep } from './take-over-sql.ts';

/**
 * Whole tables are joined here, and a server's limit on the time of a statement is meant for others: what can't be done in
 * parts would be given up again and again. Of a transaction's time our sessions know no limit at all.
 */
const settings = `set local enable_hashjoin = on; set local enable_mergejoin = on; set local statement_timeout = 0`;

/**
 * Takes the rows of a side table over into the table of its stream, in one transaction: readers see the old rows until it is
 * committed, and then at once the new ones. An overwritten table is made equal to the side table; where that was done
 * before, or the table is not overwritten, the rows are added. Then the side table is empty and says that it was taken over.
 *
 * Nobody else writes into the two tables meanwhile; reading goes on.
 *
 * @returns the work for one connection, which may be tried again: it knows when its commit was not lost after all
 */
export function takeOver(target: TablePlan, side: TablePlan): (session: Session) => Promise<BatchCounts> {
  const sql = buildTakeOverSql(target, side);
  const name = tableName(side);
  let counted: BatchCounts | undefined;
  return async (session) => {
    await session.begin();
    await session.query(settings);
    // A table that somebody else writes into can't be made equal to anything.
    await session.query(`lock table ${tableName(target)} in share row exclusive mode`);
    await session.query(`lock table ${name} in access exclusive mode`);
    const { rows } = await session.query<{ comment: string | null }>(
      `select obj_description($1::regclass, 'pg_class') as comment`,
      [name],
    );
    const mark = readMark(rows[0]?.comment ?? '');
    const state = mark?.kind === 'side' ? mark : { generation: undefined, isTaken: false };
    if (state.isTaken && counted) {
      await session.query('rollback');
      return counted;
    }
    // A new table has no statistics, and a plan for a few rows would take hours for many.
    await session.query(`analyze ${name}${keyList(side)}`);
    const counts = await runSteps(session, target.overwrite && !state.isTaken ? sql.replace : sql.add, sql.count);
    await session.query(`truncate ${name}`);
    const comment = sideMark(target.stream, { generation: state.generation, isTaken: true });
    await session.query(`comment on table ${name} is ${quoteText(comment)}`);
    counted = counts;
    await session.query('commit');
    return counts;
  };
}

/** @returns what the statements did to the table; `skipped` are rows of the side table that changed nothing */
async function runSteps(session: Session, steps: readonly TakeOverStep[], countSql: string): Promise<BatchCounts> {
  const counts = { created: 0, updated: 0, deleted: 0, nothing: 0 };
  for (const step of steps) counts[step.counts] += (await session.query(step.sql)).rowCount ?? 0;
  const { rows } = await session.query<{ count: string }>(countSql);
  const { created, updated, deleted } = counts;
  return { created, updated, deleted, skipped: Number(rows[0]?.count) - created - updated };
}

function keyList({ key }: TablePlan): string {
  return key.length === 0 ? '' : ` (${key.map(({ name }) => quoteName(name)).join(', ')})`;
}
