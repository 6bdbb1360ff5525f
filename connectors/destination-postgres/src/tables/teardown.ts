import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import type { ConfiguredCatalog } from '@penstock/protocol';
import type { Config } from '../config.ts';
import { type PostgresError, reasonOf, tableError } from '../connect/postgres-error.ts';
import type { Session } from '../connect/session.ts';
import { quoteName } from './identifier.ts';
import { schemaMark } from './mark.ts';
import { type OwnTable, readOwnTables } from './own-tables.ts';
import { planTables } from './plan-tables.ts';
import { oneAtATime } from './transaction.ts';

/** Schemas that hold more than what Penstock made: nothing is dropped there by the name of the schema alone. */
const sharedSchemas = ['public', 'information_schema'];

/**
 * Drops the tables that Penstock made, known by their comments: those of the catalog's streams, or all in the schema. Then
 * the schema, if Penstock made it and nothing is left in it. All or nothing; nothing that depends on a table is dropped.
 *
 * @throws ConnectorError that names what stands in the way, and then nothing was dropped
 */
export async function teardownTables(
  session: Session,
  config: Config,
  catalog: ConfiguredCatalog | undefined,
  log: ConnectorLog,
): Promise<void> {
  const { schema } = config;
  if (!catalog && (sharedSchemas.includes(schema) || schema.startsWith('pg_')))
    throw new ConnectorError('config_invalid', {
      message: `Schema "${schema}" is shared with others, and is not torn down as a whole. Nothing was dropped.`,
      remedy: 'Give the catalog whose tables are to go: --catalog FILE.',
    });
  const streams = catalog && new Set(catalog.streams.map(({ stream }) => stream.name));
  let dropped: OwnTable[] = [];
  let isSchemaDropped = false;
  try {
    await oneAtATime(session, async () => {
      dropped = (await readOwnTables(session, schema)).filter(({ stream }) => streams?.has(stream) ?? true);
      refuseForeign(dropped, schema);
      const names = dropped.map(({ name }) => `${quoteName(schema)}.${quoteName(name)}`);
      if (names.length > 0) await session.query(`drop table ${names.join(', ')}`);
      isSchemaDropped = await dropSchema(session, schema);
    });
  } catch (error) {
    throw explain(error, schema);
  }
  if (catalog) await warnOfKept(session, config, catalog, log);
  const tables = dropped.length === 1 ? '1 table' : `${dropped.length} tables`;
  log.info(
    `${dropped.length === 0 ? 'There was no table to drop' : `Dropped ${tables}`} in schema "${schema}"${isSchemaDropped ? ', and the schema was dropped' : ''}.`,
    { data: { tables: dropped.map(({ name }) => name) } },
  );
}

function refuseForeign(tables: readonly OwnTable[], schema: string): void {
  const foreign = tables.find(({ isOwned }) => !isOwned);
  if (foreign === undefined) return;
  throw new ConnectorError('permission_missing', {
    message: `Table ${quoteName(schema)}.${quoteName(foreign.name)} belongs to user "${foreign.owner}", and only its owner may drop it. Nothing was dropped.`,
    remedy: `Connect as "${foreign.owner}", or drop it by hand.`,
  });
}

/** @returns whether it was dropped */
async function dropSchema(session: Session, schema: string): Promise<boolean> {
  const { rows } = await session.query<{ is_ours: boolean }>(
    `select obj_description(oid, 'pg_namespace') is not distinct from $2 and pg_has_role(nspowner, 'usage') as is_ours
     from pg_namespace where nspname = $1`,
    [schema, schemaMark],
  );
  if (rows[0]?.is_ours !== true) return false;
  await session.query('savepoint before_schema');
  try {
    await session.query(`drop schema ${quoteName(schema)}`);
    return true;
  } catch (error) {
    // Something else is in it.
    if ((error as PostgresError).code !== '2BP01') throw error;
    await session.query('rollback to savepoint before_schema');
    return false;
  }
}

function explain(error: unknown, schema: string): unknown {
  if (error instanceof ConnectorError) return error;
  const { code, detail } = error as PostgresError;
  if (code === undefined) return error;
  if (code === '2BP01')
    return new ConnectorError('config_invalid', {
      message: `Tables in schema "${schema}" can't be dropped, since others depend on them: ${(detail ?? reasonOf(error)).replaceAll('\n', '; ')}. Nothing was dropped.`,
      remedy: 'Drop what depends on them; then run again.',
      cause: error,
    });
  if (code === '55P03')
    return new ConnectorError('unreachable', {
      message: `Tables in schema "${schema}" are in use. Nothing was dropped.`,
      remedy: 'End what reads or writes them; then run again.',
      cause: error,
    });
  return tableError(error, `schema "${schema}"`);
}

/** Tables of the catalog that are still there, since they don't say that Penstock made them. */
async function warnOfKept(session: Session, config: Config, catalog: ConfiguredCatalog, log: ConnectorLog) {
  const planned = planTables(catalog, config).plans.map(({ table }) => table);
  const { rows } = await session.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = $1 and c.relname = any($2) and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`,
    [config.schema, planned],
  );
  for (const { name } of rows)
    log.warn(
      `${quoteName(config.schema)}.${quoteName(name)} stays: its comment does not say that Penstock made it from a stream of this catalog.`,
    );
}
