import { type ConfiguredCatalog, type ConfiguredStream, type JsonSchema, nearestNames } from '@penstock/protocol';
import { type ColumnKind, columnKind, indexedKind } from './column-type.ts';
import { fitName, NameGiver } from './identifier.ts';
import { findWrongSystemColumn, systemColumnKind } from './system-column.ts';

/** A column that the merge fills from the record. */
export type PlannedColumn = {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Where its value stands in the record, from the outside in. */
  readonly path: readonly string[];
};

/** What is to be known about a stream whose rows are all replaced. */
export type OverwritePlan = {
  /** New for each full refresh, the same when one goes on; undefined when nobody says. */
  readonly generation: number | undefined;
  /** The top-level field that is true on a deleted record: no row is made of one. */
  readonly deletedField: string | undefined;
};

/** Everything that is decided about the table of one stream before the database is looked at. */
export type TablePlan = {
  readonly stream: string;
  readonly schema: string;
  readonly table: string;
  /** `append_dedup` keeps one row a key, `append` one row a record; an overwrite is one of them, into a side table first. */
  readonly mode: 'append' | 'append_dedup';
  /** Set when all rows are replaced at the end. */
  readonly overwrite: OverwritePlan | undefined;
  readonly key: readonly PlannedColumn[];
  /** Larger is newer; without it, later is newer. */
  readonly version: PlannedColumn | undefined;
  /** The top-level field that is true on a deleted record. */
  readonly softDeleteField: string | undefined;
  /**
   * Where the keys and versions of removed rows are kept; undefined when there is no version. Once the table was looked at, also
   * when rows are marked and none was ever removed.
   */
  readonly tombstones: string | undefined;
  /** What becomes of a deleted record's row. */
  readonly softDelete: 'mark' | 'remove';
  /** Typed columns besides key and version. */
  readonly columns: readonly PlannedColumn[];
  /** Names of those that keep what the first record of a key said. */
  readonly insertOnly: readonly string[];
  /** Top-level fields in which a record may differ and still count as equal. */
  readonly volatile: readonly string[];
  /**
   * Besides the key's; once the table was looked at, those that it lacks. A name that something else in the schema has gets a
   * number when the index is made.
   */
  readonly indexes: readonly { readonly name: string; readonly column: string }[];
};

/** What a user decides about the fields of one stream. */
export type StreamOptions = {
  readonly insert_only?: readonly string[] | undefined;
  readonly volatile?: readonly string[] | undefined;
};

/** The choices of the config that tables depend on. */
export type TableOptions = {
  readonly schema: string;
  readonly columns: 'typed' | 'raw';
  readonly index: 'none' | 'default';
  readonly soft_delete: 'mark' | 'remove';
  /** By name of the stream. */
  readonly streams?: Readonly<Record<string, StreamOptions>>;
};

/** A stream that can't be stored as it is configured, why, and what to do. */
export type RefusedStream = {
  readonly stream: string;
  readonly code: 'mode_unsupported' | 'config_invalid';
  readonly reason: string;
  readonly remedy: string;
};

/** Our own columns, and names that Postgres reserves in every table. */
const reservedColumns = ['_raw_data', '_synced_at', '_updated_at', 'ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'];

/** Decides the tables of a catalog. Pure: the same catalog and options give the same names in every run. */
export function planTables(
  catalog: ConfiguredCatalog,
  options: TableOptions,
): { plans: TablePlan[]; refused: RefusedStream[] } {
  const plans: TablePlan[] = [];
  const refused: RefusedStream[] = [];
  const tableNames = new NameGiver();
  for (const configured of catalog.streams) {
    const { stream, destination_sync_mode: mode } = configured;
    if (stream.name.startsWith('_penstock_'))
      refused.push({
        stream: stream.name,
        code: 'config_invalid',
        reason: 'tables whose names begin with _penstock_ hold what belongs to other tables.',
        remedy: 'Give the stream another name at its source.',
      });
    else if (mode === 'append_dedup' && stream.primary_key.length === 0)
      refused.push({
        stream: stream.name,
        code: 'mode_unsupported',
        reason: 'append_dedup needs a primary key, and the stream has none.',
        remedy: 'Use append or overwrite as its destination_sync_mode.',
      });
    else {
      const plan = planTable(configured, tableNames.give(stream.name), options);
      const misfit =
        findWrongSystemColumn(configured.system_columns) ??
        findMisfit(plan, configured, options.streams?.[stream.name]);
      if (misfit) refused.push({ stream: stream.name, code: 'config_invalid', ...misfit });
      else plans.push(plan);
    }
  }
  return { plans: nameIndexes(plans), refused };
}

/** `a` with a column `b_c`, and `a_b` with a column `c`, would both have an index `a_b_c_idx`; and so may a table be called. */
function nameIndexes(plans: readonly TablePlan[]): TablePlan[] {
  const names = new NameGiver(plans.flatMap(({ table, tombstones }) => [table, ...(tombstones ? [tombstones] : [])]));
  return plans.map((plan) => ({
    ...plan,
    indexes: plan.indexes.map(({ name, column }) => ({ name: names.give(name), column })),
  }));
}

function planTable(
  { stream, destination_sync_mode, generation_id, fields, system_columns = [] }: ConfiguredStream,
  table: string,
  options: TableOptions,
): TablePlan {
  const chosen = options.streams?.[stream.name];
  const isOverwritten = destination_sync_mode === 'overwrite';
  const mode = destination_sync_mode === 'append' || stream.primary_key.length === 0 ? 'append' : 'append_dedup';
  const root: JsonSchema = stream.json_schema ?? {};
  const properties = (root.properties ?? {}) as Record<string, unknown>;
  // Keys and versions stand in the table of removed rows as well, beside the time of the removal.
  const names = new NameGiver([...reservedColumns, '_deleted_at']);
  const key = stream.primary_key.map((path) => ({ name: names.give(path.join('_')), kind: keyKind(path, root), path }));
  const isKey = (field: string) => key.some(({ path }) => path.length === 1 && path[0] === field);

  // In every table, whatever columns and fields are asked for: without it an old record could not be told from a new one.
  const versionField = stream.newer_than_field;
  const version =
    versionField === undefined || mode === 'append'
      ? undefined
      : (key.find(({ path }) => path.length === 1 && path[0] === versionField) ?? {
          name: names.give(versionField),
          kind: columnKind(properties[versionField], root) ?? ('jsonb' as const),
          path: [versionField],
        });

  const wanted = new Map<string, ColumnKind>();
  const indexed = new Set(system_columns.filter(({ index }) => index).map(({ name }) => name));
  if (options.columns === 'typed') {
    for (const [field, property] of Object.entries(properties)) {
      const kind = columnKind(property, root);
      if (kind && (!fields || fields.includes(field))) wanted.set(field, kind);
      if (kind === 'reference' || field === 'created') indexed.add(field);
    }
    if (stream.soft_delete_field !== undefined && !wanted.has(stream.soft_delete_field))
      wanted.set(stream.soft_delete_field, 'boolean');
  }
  for (const column of system_columns) {
    const kind = systemColumnKind(column);
    if (kind) wanted.set(column.name, kind);
  }
  if (options.index === 'none') indexed.clear();

  const hasOwnColumn = (field: string) => !isKey(field) && field !== version?.path[0];
  // Fields without a column have a name too: what is asked for today must not move the values of the others.
  const fieldNames = new NameGiver([
    ...reservedColumns,
    ...[...key, ...(version ? [version] : [])].map(({ name }) => name),
  ]).giveAll(new Set([...Object.keys(properties), ...wanted.keys()].filter(hasOwnColumn)));
  const isIndexed = ({ path }: Pick<PlannedColumn, 'path'>): boolean => path.length === 1 && indexed.has(path[0]!);
  const columns = [...wanted]
    .filter(([field]) => hasOwnColumn(field))
    .map(([field, kind]) => {
      const column = { name: fieldNames.get(field)!, kind, path: [field] };
      return isIndexed(column) ? { ...column, kind: indexedKind(kind) } : column;
    });
  const hasTombstones = stream.soft_delete_field !== undefined && version !== undefined;
  return {
    stream: stream.name,
    schema: options.schema,
    table,
    mode,
    overwrite: isOverwritten ? { generation: generation_id, deletedField: stream.soft_delete_field } : undefined,
    key,
    version,
    softDeleteField: mode === 'append' ? undefined : stream.soft_delete_field,
    softDelete: options.soft_delete,
    tombstones: hasTombstones ? fitName(`_penstock_deleted_${stream.name}`) : undefined,
    columns,
    insertOnly: columns.filter(({ path }) => chosen?.insert_only?.includes(path[0]!)).map(({ name }) => name),
    volatile: chosen?.volatile ?? [],
    indexes: [
      // The primary key finds rows by its first column.
      ...(mode === 'append' ? key : key.slice(1)),
      ...(version && !key.includes(version) && isComparedShort(version) ? [version] : []),
      ...columns,
    ]
      .filter(isIndexed)
      .map(({ name }) => ({ name: `${table}_${name}_idx`, column: name })),
  };
}

/** A version is never cut short, or older records could win; so one that can be long gets no index, which would refuse it. */
function isComparedShort({ kind }: PlannedColumn): boolean {
  return indexedKind(kind) === kind;
}

/** Looks for a choice about fields that would have no effect, or a wrong one. */
function findMisfit(
  { columns, key, version, softDeleteField }: TablePlan,
  { stream, destination_sync_mode: mode }: ConfiguredStream,
  { insert_only: insertOnly = [], volatile = [] }: StreamOptions = {},
): Pick<RefusedStream, 'reason' | 'remedy'> | undefined {
  if (insertOnly.length + volatile.length === 0) return undefined;
  if (mode !== 'append_dedup')
    return {
      reason: `insert_only and volatile are about rows that are updated, and destination_sync_mode is ${mode}.`,
      remedy: 'Use append_dedup, or leave them out.',
    };
  const withColumn = columns.map(({ path }) => path[0]!);
  const unwritten = insertOnly.find((field) => !withColumn.includes(field));
  if (unwritten !== undefined)
    return {
      reason: `insert_only names "${unwritten}", which has no column besides key and version.`,
      remedy: nameInstead(unwritten, withColumn),
    };
  const fields = Object.keys(stream.json_schema?.properties ?? {});
  const fixed = [...key.map(({ path }) => path[0]!), version?.path[0], softDeleteField];
  const wrong = volatile.find((field) => fixed.includes(field) || (fields.length > 0 && !fields.includes(field)));
  if (wrong !== undefined)
    return {
      reason: `volatile names "${wrong}", which is ${fixed.includes(wrong) ? 'a key, version or deletion' : 'no field of it'}.`,
      remedy: nameInstead(
        wrong,
        fields.filter((field) => !fixed.includes(field)),
      ),
    };
  return undefined;
}

function nameInstead(field: string, possible: readonly string[]): string {
  const [nearest] = nearestNames(field, possible);
  return nearest === undefined ? 'Leave it out.' : `Did you mean ${nearest}?`;
}

/** Keys are compared byte by byte as they were written, but for whole numbers. */
function keyKind(path: readonly string[], root: JsonSchema): ColumnKind {
  const property = path.reduce<unknown>(
    (at, field) => (at as JsonSchema | undefined)?.properties?.[field as never],
    root,
  );
  return columnKind(property, root) === 'bigint' ? 'bigint' : 'text';
}
