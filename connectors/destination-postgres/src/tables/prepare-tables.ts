import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import type { Client } from 'pg';
import { classify, tableError } from '../connect/postgres-error.ts';
import type { Session } from '../connect/session.ts';
import { tableName } from '../merge/merge-sql.ts';
import { type ColumnKind, sqlTypes } from './column-type.ts';
import { fillColumns, fillingMark } from './fill-columns.ts';
import { quoteName, quoteText } from './identifier.ts';
import { indexedColumnsSql } from './make-indexes.ts';
import { schemaMark, tableMark } from './mark.ts';
import type { PlannedColumn, TablePlan } from './plan-tables.ts';
import { explainInUse, inUseError } from './table-in-use.ts';
import { changeTombstones } from './tombstones.ts';
import { isLockTimeout, LockPatience, oneAtATime } from './transaction.ts';

/** What the database has under a table's name. */
export type ExistingTable = {
  readonly is_table: boolean;
  /** Type by column. */
  readonly columns: Readonly<Record<string, string>>;
  /** Columns that were added and whose old rows are not all filled yet. */
  readonly filling: readonly string[];
  /** Columns that may not be null and have no default. */
  readonly required: readonly string[];
  /** The columns of each unique index that can decide a conflict. */
  readonly uniques: readonly (readonly string[])[];
  /** Columns that an index begins with. */
  readonly indexed: readonly string[];
};

/** What has to be done before a stream's records can be stored. */
export type TableChange = {
  readonly statements: readonly string[];
  /** The plan, fitted to columns that are there already, with the indexes that are not. */
  readonly plan: TablePlan;
  /** Columns to be filled from `_raw_data` in the rows that are there. */
  readonly fill: readonly PlannedColumn[];
  readonly warnings: readonly string[];
};

const ownColumns = ['_raw_data', '_synced_at', '_updated_at'];

/**
 * Compares a planned table with what is there. Nothing is dropped and no type is changed. Pure.
 *
 * @param comment of the table, when it is made
 * @throws ConnectorError `config_invalid` when the table is not one of ours, or its key is another one
 */
export function changeTable(
  plan: TablePlan,
  existing: ExistingTable | undefined,
  comment = tableMark(plan.stream),
): TableChange {
  if (!existing) return { statements: createTable(plan, comment), plan, fill: [], warnings: [] };
  const name = tableName(plan);
  const refuse = (message: string, remedy: string) => new ConnectorError('config_invalid', { message, remedy });
  if (
    !existing.is_table ||
    existing.columns._raw_data !== 'jsonb' ||
    !existing.columns._synced_at ||
    !existing.columns._updated_at
  )
    throw refuse(`${name} exists and was not made by Penstock.`, 'Rename it, or choose another `schema`.');
  const key = plan.key.map((column) => column.name);
  const isKey = (unique: readonly string[]) =>
    unique.length === key.length && unique.every((column) => key.includes(column));
  if (plan.mode === 'append_dedup' && !existing.uniques.some(isKey))
    throw refuse(
      `${name} has no unique index on (${key.join(', ')}): it was written in mode append, or with another key.`,
      'Rename the table, choose another `schema`, or make that index.',
    );
  if (plan.mode === 'append') refuseRowsOfKeys(plan, existing, refuse);

  const warnings: string[] = [];
  const added: PlannedColumn[] = [];
  const fit = (column: PlannedColumn): PlannedColumn[] => {
    const type = existing.columns[column.name];
    if (type === undefined) added.push(column);
    if (type === undefined || type === sqlTypes[column.kind]) return [column];
    const kind = kindFor(type, column.kind);
    warnings.push(
      `Column ${column.name} of ${name} stays ${type} (the schema now says ${sqlTypes[column.kind]})${kind ? '' : ' and is not filled'}.`,
    );
    return kind ? [{ ...column, kind }] : [];
  };
  const { version } = plan;
  const versionType = version && existing.columns[version.name];
  // Versions of two kinds can't be compared: with some missing, old records would replace new ones.
  if (version && versionType && !versionTypes(version.kind).includes(versionType))
    throw refuse(
      `Column ${version.name} of ${name} is ${versionType}, and the schema now says ${sqlTypes[version.kind]}: newer and older records could not be told apart.`,
      `Run: alter table ${name} drop column ${quoteName(version.name)}; the next run makes it again from _raw_data.`,
    );
  const fittedKey = plan.key.map((column) => fit(column)[0] ?? column);
  const fitted = {
    ...plan,
    key: fittedKey,
    version: version && (fittedKey[plan.key.indexOf(version)] ?? fit(version)[0]),
    columns: plan.columns.flatMap(fit),
    indexes: plan.indexes.filter(({ column }) => !existing.indexed.includes(column)),
  };
  const statements = added.flatMap(({ name: column, kind }) => [
    `alter table ${name} add column ${quoteName(column)} ${sqlTypes[kind]}`,
    `comment on column ${name}.${quoteName(column)} is ${quoteText(fillingMark)}`,
  ]);
  const toFill = new Set([...existing.filling, ...added.map((column) => column.name)]);
  return {
    statements,
    plan: fitted,
    fill: [...new Set([...fitted.key, ...(fitted.version ? [fitted.version] : []), ...fitted.columns])].filter(
      (column) => toFill.has(column.name),
    ),
    warnings,
  };
}

/** Which values a column of another type than planned still takes; undefined when it is not filled. */
function kindFor(type: string, wanted: ColumnKind): ColumnKind | undefined {
  // What comes now decides how it is read: the numbers of a time that has lost its format are still seconds.
  if (type === sqlTypes.unix_time && (wanted === 'bigint' || wanted === 'numeric')) return 'unix_time';
  return (Object.keys(sqlTypes) as ColumnKind[]).find((candidate) => sqlTypes[candidate] === type);
}

/** The types of column that hold every version of a kind, and compare them as that kind does. */
function versionTypes(kind: ColumnKind): string[] {
  return [sqlTypes[kind], 'jsonb', ...(kind === 'bigint' ? ['numeric'] : [])];
}

/** Rows that may be there twice don't fit into a table that was made for one row a key. */
function refuseRowsOfKeys(
  plan: TablePlan,
  { uniques, required }: ExistingTable,
  refuse: (message: string, remedy: string) => ConnectorError,
): void {
  const name = tableName(plan);
  const key = plan.key.map((column) => column.name);
  const filled = [...key, ...plan.columns.map((column) => column.name)];
  const columns = key.length > 0 ? key : filled;
  const unique = uniques.find((each) => each.every((column) => columns.includes(column)));
  const unfilled = required.find((column) => !filled.includes(column) && !ownColumns.includes(column));
  if (unique === undefined && unfilled === undefined) return;
  const mode = plan.overwrite ? 'overwrite without a primary key' : 'mode append';
  throw unique
    ? refuse(
        `${name} keeps one row a key (${unique.join(', ')}), and ${mode} would add more.`,
        'Use append_dedup, rename the table, or choose another `schema`.',
      )
    : refuse(
        `${name} has a column ${unfilled} that may not be null, and ${mode} does not fill it.`,
        'Rename the table, choose another `schema`, or let that column be null.',
      );
}

function createTable(plan: TablePlan, comment: string): string[] {
  const { mode, key, version, columns } = plan;
  const name = tableName(plan);
  const define = ({ name: column, kind }: PlannedColumn, more = '') => `${quoteName(column)} ${sqlTypes[kind]}${more}`;
  const filled = [...(version && !key.includes(version) ? [version] : []), ...columns];
  const lines = [
    ...key.map((column) => define(column, mode === 'append_dedup' ? ' not null' : '')),
    ...filled.map((column) => define(column)),
    '_raw_data jsonb not null',
    '_synced_at timestamp with time zone not null default now()',
    '_updated_at timestamp with time zone not null default now()',
    ...(mode === 'append_dedup' ? [`primary key (${key.map((column) => quoteName(column.name)).join(', ')})`] : []),
  ];
  return [`create table ${name} (${lines.join(', ')})`, `comment on table ${name} is ${quoteText(comment)}`];
}

/** What is there, by table name, in one query that locks nothing. */
export async function readTables(
  client: Client,
  schema: string,
  names: readonly string[],
): Promise<Map<string, ExistingTable>> {
  const { rows } = await client.query<ExistingTable & { name: string }>(
    `select c.relname as name, c.relkind = 'r' as is_table,
       (select coalesce(json_object_agg(a.attname, format_type(a.atttypid, a.atttypmod)), '{}') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
       (select coalesce(json_agg(a.attname), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) = $3) as filling,
       (select coalesce(json_agg(a.attname), '[]') from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attnotnull and not a.atthasdef and a.attidentity = '') as required,
       (select coalesce(json_agg((select json_agg(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum = any(i.indkey::smallint[]))), '[]')
         from pg_index i where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null) as uniques,
       (select coalesce(json_agg(x.attname), '[]') from (${indexedColumnsSql('c.oid')}) x) as indexed
     from pg_class c join pg_namespace s on s.oid = c.relnamespace
     where s.nspname = $1 and c.relname = any($2) and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
    [schema, names, fillingMark],
  );
  return new Map(rows.map((row) => [row.name, row]));
}

/** Makes a schema that is not there, and marks it as ours. */
async function makeSchema(client: Session, schema: string): Promise<void> {
  const isThere = async () =>
    (await client.query('select from pg_namespace where nspname = $1', [schema])).rows.length > 0;
  if (await isThere()) return;
  await oneAtATime(client, async () => {
    // One that somebody else made meanwhile is theirs.
    if (await isThere()) return;
    await client.query(`create schema ${quoteName(schema)}`);
    await client.query(`comment on schema ${quoteName(schema)} is ${quoteText(schemaMark)}`);
  });
}

/**
 * Makes or extends the tables of all streams. A table that fits is only looked at. One that others have in use is written without
 * its new columns, where that can be.
 *
 * @param patience for all of them together
 * @returns the plan of each stream as its table allows it, or why it has none
 */
export async function prepareTables(
  client: Session,
  schema: string,
  plans: readonly TablePlan[],
  log: ConnectorLog,
  patience = new LockPatience(),
): Promise<Map<string, TablePlan | ConnectorError>> {
  await makeSchema(client, schema);
  const names = plans.flatMap((plan) => [plan.table, ...(plan.tombstones ? [plan.tombstones] : [])]);
  const existing = await readTables(client, schema, names);
  return eachStream(plans, (plan) => prepareTable(client, plan, existing, log, { patience, mayLackColumns: true }));
}

/** A table that lost a deadlock gets so many tries: the other streams wait meanwhile. */
const triesMax = 3;

/** Does the work for one stream after the other; what goes wrong with one is its own trouble. */
export async function eachStream(
  plans: readonly TablePlan[],
  work: (plan: TablePlan) => Promise<TablePlan>,
): Promise<Map<string, TablePlan | ConnectorError>> {
  const done = new Map<string, TablePlan | ConnectorError>();
  const doOne = async (plan: TablePlan, tries: number): Promise<TablePlan | ConnectorError> => {
    try {
      return await work(plan);
    } catch (error) {
      if (error instanceof ConnectorError) return error;
      const trouble = classify(error);
      // Without a connection there are no other streams to go on with.
      if (trouble === 'connection') throw error;
      if (trouble === 'transient' && tries < triesMax) return doOne(plan, tries + 1);
      return tableError(error, tableName(plan));
    }
  };
  for (const plan of plans) done.set(plan.stream, await doOne(plan, 1));
  return done;
}

/**
 * The plan without the columns that its table lacks, for a run that can't add them: the next one fills them from `_raw_data`.
 * Undefined where they are needed: keys and versions are compared, and what the first record of a key said of a column that keeps
 * it would be gone. Pure.
 */
function withoutNewColumns(plan: TablePlan, existing: ExistingTable | undefined): TablePlan | undefined {
  const has = (name: string) => existing?.columns[name] !== undefined;
  const needed = [...plan.key, ...(plan.version ? [plan.version] : [])].map(({ name }) => name);
  if (![...needed, ...plan.insertOnly].every(has)) return undefined;
  return {
    ...plan,
    columns: plan.columns.filter(({ name }) => has(name)),
    indexes: plan.indexes.filter(({ column }) => has(column)),
  };
}

/** What is done for one table, besides its plan. */
export type PrepareTable = {
  /** Of the table, when it is made. */
  readonly comment?: string;
  readonly patience?: LockPatience;
  /** Whether it may be written without new columns, when it is in use by others and they can't be added. */
  readonly mayLackColumns?: boolean;
};

/**
 * Makes or extends one table. Its indexes, but for the key's, are made when its first load is over.
 *
 * @param known what is there, by name, from {@link readTables}
 * @returns the plan as the table allows it
 * @throws ConnectorError `upstream_failed` when others have it in use, and it can't be written as it is
 */
export async function prepareTable(
  client: Session,
  plan: TablePlan,
  known: ReadonlyMap<string, ExistingTable>,
  log: ConnectorLog,
  { comment = tableMark(plan.stream), patience = new LockPatience(), mayLackColumns = false }: PrepareTable = {},
): Promise<TablePlan> {
  const tables = [plan.table, ...(plan.tombstones ? [plan.tombstones] : [])];
  const changeFor = (wanted: TablePlan, existing: ReadonlyMap<string, ExistingTable>) => {
    const change = changeTable(wanted, existing.get(plan.table), comment);
    const { plan: fitted, statements, warnings } = changeTombstones(change.plan, existing);
    return {
      ...change,
      plan: fitted,
      statements: [...change.statements, ...statements],
      warnings: [...change.warnings, ...warnings],
    };
  };
  let change = changeFor(plan, known);
  const makeChange = async () => {
    // What another process did meanwhile counts.
    change = changeFor(plan, await readTables(client, plan.schema, tables));
    for (const statement of change.statements) await client.query(statement);
  };
  const startedAt = performance.now();
  const doWithout = async (cause: unknown) => {
    const names = tables.map((table) => tableName(plan, table));
    const inUse = await explainInUse(client, names, performance.now() - startedAt);
    const existing = await readTables(client, plan.schema, tables);
    const fewer = mayLackColumns ? withoutNewColumns(plan, existing.get(plan.table)) : undefined;
    if (fewer) change = changeFor(fewer, existing);
    if (!fewer || change.statements.length > 0) throw inUseError(tableName(plan), inUse, cause);
    const lacking = plan.columns.filter((column) => !fewer.columns.includes(column)).map(({ name }) => name);
    if (lacking.length > 0)
      log.warn(
        `${tableName(plan)} is written without its new columns (${lacking.join(', ')}): they could not be added, since ${inUse.reason}. The next run adds them, and fills them from _raw_data.`,
        { stream: plan.stream },
      );
  };
  if (change.statements.length > 0)
    try {
      await oneAtATime(client, makeChange, patience);
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      await doWithout(error);
    }
  for (const warning of change.warnings) log.warn(warning, { stream: plan.stream });
  await fillColumns(client, change.plan, change.fill);
  return change.plan;
}
