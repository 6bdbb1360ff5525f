import { randomBytes } from 'node:crypto';
import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import { type ConfiguredCatalog, nearestNames } from '@penstock/protocol';
import type { Config } from '../config.ts';
import { classify, connectionLost, type PostgresError, reasonOf } from '../connect/postgres-error.ts';
import type { Session } from '../connect/session.ts';
import { type StreamTable, streamTable } from '../merge/store-batch.ts';
import { checkRights } from '../tables/check-rights.ts';
import { planTables, type TablePlan } from '../tables/plan-tables.ts';
import { prepareSides } from '../tables/prepare-sides.ts';
import { prepareTables } from '../tables/prepare-tables.ts';
import { LockPatience } from '../tables/transaction.ts';
import { makeOverwrite, type Overwrite } from './overwrite.ts';

/** What is there for the streams of a catalog, before any data. */
export type PreparedWrite = {
  /** Each stream's table, or why it can't be written. */
  readonly tables: ReadonlyMap<string, StreamTable | ConnectorError>;
  /** Of the streams whose rows are replaced as a whole. */
  readonly overwrites: ReadonlyMap<string, Overwrite>;
};

/**
 * Makes or extends the tables of a catalog, or the schema alone.
 *
 * @returns the plan of each stream as its table allows it, or why it has none
 * @throws ConnectorError that says what is missing, for all streams
 */
export async function prepareCatalog(
  session: Session,
  config: Config,
  catalog: ConfiguredCatalog,
  log: ConnectorLog,
): Promise<Map<string, TablePlan | ConnectorError>> {
  warnOfUnknownStreams(config, catalog, log);
  const { plans, refused } = planTables(catalog, config);
  const refusals = refused.map(({ stream, code, reason, remedy }): [string, ConnectorError] => [
    stream,
    new ConnectorError(code, { message: `Stream "${stream}": ${reason}`, remedy }),
  ]);
  const patience = new LockPatience(config.limits.retry_seconds_max * 1000);
  const prepared = await explained(session, config, () => prepareTables(session, config.schema, plans, log, patience));
  return new Map([...refusals, ...prepared]);
}

/** Only a warning: a config may be written for more streams than one run has. */
function warnOfUnknownStreams(config: Config, catalog: ConfiguredCatalog, log: ConnectorLog): void {
  const known = catalog.streams.map(({ stream }) => stream.name);
  for (const name of Object.keys(config.streams).filter((each) => !known.includes(each))) {
    const [nearest] = nearestNames(name, known);
    const question = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    log.warn(`\`streams\` of the config names "${name}", and the catalog has no such stream.${question}`);
  }
}

/** As {@link prepareCatalog}, and gets ready what batches and overwrites need. */
export async function prepareWrite(
  session: Session,
  config: Config,
  catalog: ConfiguredCatalog,
  log: ConnectorLog,
): Promise<PreparedWrite> {
  const prepared = await prepareCatalog(session, config, catalog, log);
  const plans = [...prepared.values()].flatMap((plan) => (plan instanceof ConnectorError ? [] : [plan]));
  const runName = `x${randomBytes(4).toString('hex')}`;
  const patience = new LockPatience(config.limits.retry_seconds_max * 1000);
  const sides = await explained(session, config, () =>
    prepareSides(session, config.schema, plans, runName, log, patience),
  );
  const tables = new Map<string, StreamTable | ConnectorError>();
  const overwrites = new Map<string, Overwrite>();
  for (const [stream, plan] of prepared) {
    const side = sides.get(stream);
    if (plan instanceof ConnectorError) tables.set(stream, plan);
    else if (side instanceof ConnectorError) tables.set(stream, side);
    else tables.set(stream, streamTable(plan));
    if (!(plan instanceof ConnectorError) && side && !(side instanceof ConnectorError))
      overwrites.set(stream, makeOverwrite(plan, side));
  }
  return { tables, overwrites };
}

async function explained<T>(session: Session, config: Config, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ConnectorError) throw cause;
    const { code } = cause as PostgresError;
    // What is missing, and how to get it, is known better than "permission denied".
    if (code === '42501') await checkRights(session, config);
    if (classify(cause) === 'connection') throw new ConnectorError('unreachable', connectionLost(cause));
    const isPassing = classify(cause) === 'transient';
    throw new ConnectorError(
      isPassing ? 'upstream_failed' : code === '42501' ? 'permission_missing' : 'config_invalid',
      {
        message: `The tables in schema "${config.schema}" could not be prepared: ${reasonOf(cause)}.`,
        remedy: isPassing ? 'Run again later.' : 'Run `check`, which says what is missing.',
        cause,
      },
    );
  }
}
