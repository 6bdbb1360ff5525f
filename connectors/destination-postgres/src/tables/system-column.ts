import type { ConfiguredStream } from '@penstock/protocol';
import type { ColumnKind } from './column-type.ts';

type SystemColumn = NonNullable<ConfiguredStream['system_columns']>[number];

/** The words for the type of a system column: those of Postgres for the types that our columns have, and of JSON Schema. */
const kinds: Readonly<Record<string, ColumnKind>> = {
  text: 'text',
  string: 'text',
  bigint: 'bigint',
  integer: 'bigint',
  numeric: 'numeric',
  number: 'numeric',
  boolean: 'boolean',
  timestamptz: 'iso_time',
  'timestamp with time zone': 'iso_time',
  jsonb: 'jsonb',
};

/** What a system column holds; undefined when its type is none that we know. Pure. */
export function systemColumnKind({ type }: SystemColumn): ColumnKind | undefined {
  return Object.hasOwn(kinds, type) ? kinds[type] : undefined;
}

/** Looks for a system column that can't be made. @returns why, and what to do */
export function findWrongSystemColumn(
  columns: readonly SystemColumn[] = [],
): { readonly reason: string; readonly remedy: string } | undefined {
  const wrong = columns.find((column) => systemColumnKind(column) === undefined);
  return (
    wrong && {
      reason: `system_columns gives "${wrong.name}" the type "${wrong.type}", which is none of a column here.`,
      remedy: `Use one of ${Object.keys(kinds).join(', ')}.`,
    }
  );
}
