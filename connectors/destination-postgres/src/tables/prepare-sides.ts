import type { ConnectorError, ConnectorLog } from '@penstock/connector-sdk';
import type { Session } from '../connect/session.ts';
import { tableName } from '../merge/merge-sql.ts';
import { takeOver } from '../merge/take-over.ts';
import { sideMark } from './mark.ts';
import { type OwnTable, readOwnTables } from './own-tables.ts';
import { planSide } from './plan-side.ts';
import type { TablePlan } from './plan-tables.ts';
import { eachStream, prepareTable, readTables } from './prepare-tables.ts';
import { explainInUse, inUseError } from './table-in-use.ts';
import { isLockTimeout, LockPatience, oneAtATime } from './transaction.ts';

type SideTable = Extract<OwnTable, { readonly kind: 'side' }>;

/**
 * Makes the side tables of this run, or finds those that it goes on with, and does away with all others of its streams.
 *
 * @param tables plans of the streams' tables, as these are in the database
 * @param runName see {@link planSide}
 * @param patience for all of them together
 * @returns the side table of each stream that is overwritten, or why the stream can't be written
 */
export async function prepareSides(
  session: Session,
  schema: string,
  tables: readonly TablePlan[],
  runName: string,
  log: ConnectorLog,
  patience = new LockPatience(),
): Promise<Map<string, TablePlan | ConnectorError>> {
  const found = (await readOwnTables(session, schema)).filter((table) => table.kind === 'side');
  const oldOf = (plan: TablePlan, side?: TablePlan) =>
    found.filter(({ stream, name }) => stream === plan.stream && name !== side?.table);
  const prepared = await eachStream(
    tables.filter((plan) => !plan.overwrite),
    async (plan) => {
      for (const old of oldOf(plan)) await keepRows(session, plan, old, log, patience);
      return plan;
    },
  );
  const sides = await eachStream(
    tables.filter((plan) => plan.overwrite),
    async (plan) => {
      const side = planSide(plan, runName);
      for (const old of oldOf(plan, side)) {
        if (!old.isTaken)
          log.info(`An overwrite that was not finished is given up: ${old.name}.`, { stream: plan.stream });
        await drop(session, plan, old, patience);
      }
      const known = await readTables(session, schema, [side.table]);
      const generation = plan.overwrite?.generation;
      if (known.has(side.table)) log.info(`Going on with generation ${generation}.`, { stream: plan.stream });
      const comment = sideMark(plan.stream, { generation, isTaken: false });
      return prepareTable(session, side, known, log, { comment, patience });
    },
  );
  const failed = [...prepared].filter((entry): entry is [string, ConnectorError] => entry[1] instanceof Error);
  return new Map([...failed, ...sides]);
}

/**
 * The stream was being overwritten, and is written in another mode now. Checkpoints have left for rows that are nowhere else,
 * and that nobody sends again: they are merged (P1).
 */
async function keepRows(
  session: Session,
  plan: TablePlan,
  old: SideTable,
  log: ConnectorLog,
  patience: LockPatience,
): Promise<void> {
  if (old.generation !== undefined && !old.isTaken) {
    log.info(`The rows of an overwrite that was not finished are merged: ${old.name}.`, { stream: plan.stream });
    const side = { ...planSide(plan, ''), table: old.name };
    const known = await readTables(session, plan.schema, [old.name]);
    await takeOver(plan, await prepareTable(session, side, known, log, { patience }))(session);
  }
  await drop(session, plan, old, patience);
}

async function drop(session: Session, plan: TablePlan, { name }: SideTable, patience: LockPatience): Promise<void> {
  const table = tableName(plan, name);
  const startedAt = performance.now();
  try {
    await oneAtATime(session, () => session.query(`drop table if exists ${table}`), patience);
  } catch (error) {
    if (!isLockTimeout(error)) throw error;
    throw inUseError(table, await explainInUse(session, [table], performance.now() - startedAt), error);
  }
}
