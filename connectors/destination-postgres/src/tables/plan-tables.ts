import type { ConfiguredCatalog, ConfiguredStream, JsonSchema } from '@penstock/protocol';
import { type ColumnKind, columnKind } from './column-type.ts';
import { fitName, NameGiver } from './identifier.ts';

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
  /** Where the keys and versions of removed rows are kept; undefined when rows are marked or there is no version. */
  readonly tombstones: string | undefined;
  /** What becomes of a deleted record's row. */
  readonly softDelete: 'mark' | 'remove';
  /** Typed columns besides key and version. */
  readonly columns: readonly PlannedColumn[];
  readonly indexes: readonly { readonly name: string; readonly column: string }[];
};

/** The choices of the config that tables depend on. */
export type TableOptions = {
  readonly schema: string;
  readonly columns: 'typed' | 'raw';
  readonly index: 'none' | 'default';
  readonly soft_delete: 'mark' | 'remove';
};

/** A stream that can't be stored as it is configured, and why. */
export type RefusedStream = { readonly stream: string; readonly reason: string };

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
    if (mode === 'append_dedup' && stream.primary_key.length === 0)
      refused.push({
        stream: stream.name,
        reason: 'append_dedup needs a primary key, and the stream has none; use append or overwrite.',
      });
    else plans.push(planTable(configured, tableNames.give(stream.name), options));
  }
  return { plans, refused };
}

function planTable(
  { stream, destination_sync_mode, generation_id, fields, system_columns = [] }: ConfiguredStream,
  table: string,
  options: TableOptions,
): TablePlan {
  const isOverwritten = destination_sync_mode === 'overwrite';
  const mode = destination_sync_mode === 'append' || stream.primary_key.length === 0 ? 'append' : 'append_dedup';
  const root: JsonSchema = stream.json_schema ?? {};
  const properties = (root.properties ?? {}) as Record<string, unknown>;
  const names = new NameGiver(reservedColumns);
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
  for (const { name, type } of system_columns) wanted.set(name, columnKind({ type }, root) ?? 'text');

  const columns = [...wanted]
    .filter(([field]) => !isKey(field) && field !== version?.path[0])
    .map(([field, kind]) => ({ name: names.give(field), kind, path: [field] }));
  const hasTombstones =
    options.soft_delete === 'remove' && stream.soft_delete_field !== undefined && version !== undefined;
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
    indexes:
      options.index === 'none'
        ? []
        : columns
            .filter(({ path }) => indexed.has(path[0]!))
            .map(({ name }) => ({ name: fitName(`${table}_${name}_idx`), column: name })),
  };
}

/** Keys are compared byte by byte as they were written, but for whole numbers. */
function keyKind(path: readonly string[], root: JsonSchema): ColumnKind {
  const property = path.reduce<unknown>(
    (at, field) => (at as JsonSchema | undefined)?.properties?.[field as never],
    root,
  );
  return columnKind(property, root) === 'bigint' ? 'bigint' : 'text';
}
