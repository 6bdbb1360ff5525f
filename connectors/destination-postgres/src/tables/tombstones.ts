import { ConnectorError } from '@penstock/connector-sdk';
import { tableName } from '../merge/merge-sql.ts';
import { castSql, sqlTypes } from './column-type.ts';
import { quoteName, quoteText } from './identifier.ts';
import { tombstoneMark } from './mark.ts';
import type { PlannedColumn, TablePlan } from './plan-tables.ts';
import type { ExistingTable, TableChange } from './prepare-tables.ts';

/**
 * Compares the table of a stream's removed rows with what is there. Its versions follow those of the stream's table when
 * their type has changed, since only versions of one type can be compared. Where rows are marked now it still counts: older
 * records of those that were removed may yet come. Pure.
 *
 * @param plan as the stream's table allows it
 * @returns the plan without such a table where none is needed
 * @param known what is there, by name
 * @throws ConnectorError `config_invalid` when the table is another one, or was made for another key
 */
export function changeTombstones(
  plan: TablePlan,
  known: ReadonlyMap<string, ExistingTable>,
): Pick<TableChange, 'plan' | 'statements' | 'warnings'> {
  if (plan.tombstones === undefined) return { plan, statements: [], warnings: [] };
  const existing = known.get(plan.tombstones);
  if (!existing && plan.softDelete === 'mark')
    return { plan: { ...plan, tombstones: undefined }, statements: [], warnings: [] };
  if (!existing) return { plan, statements: createTombstones(plan, plan.tombstones), warnings: [] };
  const name = tableName(plan, plan.tombstones);
  const key = plan.key.map((column) => column.name);
  const isKey = existing.uniques.some(
    (unique) => unique.length === key.length && unique.every((column) => key.includes(column)),
  );
  const misfit = plan.key.find((column) => existing.columns[column.name] !== sqlTypes[column.kind]);
  if (!existing.is_table || !existing.columns._deleted_at || !isKey || misfit)
    throw new ConnectorError('config_invalid', {
      message: `${name} does not fit: the rows removed from ${tableName(plan)} would be remembered there by (${plan.key.map((column) => `${column.name} ${sqlTypes[column.kind]}`).join(', ')}).`,
      remedy: 'Rename it; the next run makes another, which knows nothing of rows that were removed before.',
    });
  const version = versionOf(plan);
  const type = version && existing.columns[version.name];
  if (!version || type === sqlTypes[version.kind]) return { plan, statements: [], warnings: [] };
  const column = quoteName(version.name);
  const wanted = sqlTypes[version.kind];
  if (type === undefined)
    return { plan, statements: [`alter table ${name} add column ${column} ${wanted}`], warnings: [] };
  return {
    plan,
    statements: [
      `alter table ${name} alter column ${column} type ${wanted} using ${castSql(version.kind, `to_jsonb(${column})`)}`,
    ],
    warnings: [
      `Column ${version.name} of ${name} is now ${wanted}, as in ${tableName(plan)} (it was ${type}). A removed row whose version doesn't fit comes back when an older record of it arrives.`,
    ],
  };
}

/** Removed rows' keys and versions. Kept without a limit: each is a few bytes, and forgetting one could bring a row back. */
function createTombstones(plan: TablePlan, tombstones: string): string[] {
  const version = versionOf(plan);
  const columns = [...plan.key, ...(version ? [version] : [])].map(
    (column) => `${quoteName(column.name)} ${sqlTypes[column.kind]}`,
  );
  const keys = plan.key.map((column) => quoteName(column.name)).join(', ');
  const name = tableName(plan, tombstones);
  return [
    `create table ${name} (${columns.join(', ')}, _deleted_at timestamp with time zone not null, primary key (${keys}))`,
    `comment on table ${name} is ${quoteText(tombstoneMark(plan.stream))}`,
  ];
}

/** The version, where it has a column besides the key's. */
function versionOf({ key, version }: TablePlan): PlannedColumn | undefined {
  return version && !key.includes(version) ? version : undefined;
}
