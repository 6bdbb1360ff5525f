import type { JsonSchema } from '@penstock/protocol';

/** What a column holds, and how a JSON value gets there. */
export type ColumnKind =
  | 'text'
  | 'bigint'
  | 'numeric'
  | 'boolean'
  /** timestamptz from ISO 8601 text */
  | 'iso_time'
  /** timestamptz from seconds since 1970 */
  | 'unix_time'
  /** text: an id, or the id of the object that stands in its place */
  | 'reference'
  /** any JSON value; for a version whose type nobody declared, or as a system column asks for */
  | 'jsonb'
  /** As without `short_`, for a column with an index: null where it is too long for one */
  | `short_${Shortened}`;

/** The kinds of values that can be too long for an index. Those of references are never as long as that. */
const shortened = ['text', 'numeric', 'jsonb'] as const;
type Shortened = (typeof shortened)[number];

/** The Postgres type of each kind. */
export const sqlTypes: Readonly<Record<ColumnKind, string>> = {
  text: 'text',
  bigint: 'bigint',
  numeric: 'numeric',
  boolean: 'boolean',
  iso_time: 'timestamp with time zone',
  unix_time: 'timestamp with time zone',
  reference: 'text',
  jsonb: 'jsonb',
  short_text: 'text',
  short_numeric: 'numeric',
  short_jsonb: 'jsonb',
};

/** An index takes no more than 2,704 bytes (Postgres source, BTMaxItemSize). Of JSON and of numbers it holds fewer than their text has. */
const indexedBytesMax = 2000;

/** The kind of a column that gets an index. */
export function indexedKind(kind: ColumnKind): ColumnKind {
  return shortened.some((each) => each === kind) ? `short_${kind as Shortened}` : kind;
}

type SchemaNode = Record<string, unknown>;

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How deep unions and references are followed: enough for real schemas, and an end for circular ones. */
const depthMax = 8;

/** The alternatives that a schema leaves open, unions and references resolved, `null` left out. */
function alternatives(node: unknown, root: JsonSchema, depth = 0): SchemaNode[] {
  if (!isNode(node) || depth > depthMax) return [];
  if (typeof node.$ref === 'string') return alternatives(resolveReference(node.$ref, root), root, depth + 1);
  const branches = [node.anyOf, node.oneOf, node.allOf].find(Array.isArray);
  if (branches) return branches.flatMap((branch: unknown) => alternatives(branch, root, depth + 1));
  const types = Array.isArray(node.type) ? node.type : node.type === undefined ? impliedTypes(node) : [node.type];
  return types.filter((type) => type !== 'null').map((type) => ({ ...node, type }));
}

function resolveReference(reference: string, root: JsonSchema): unknown {
  if (!reference.startsWith('#/')) return undefined;
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (isNode(at) ? at[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined), root);
}

function impliedTypes(node: SchemaNode): unknown[] {
  const values = Array.isArray(node.enum) ? node.enum : 'const' in node ? [node.const] : [];
  return [...new Set(values.map((value) => (value === null ? 'null' : typeof value)))];
}

/**
 * The kind of column for a top-level field, or undefined when it has none (objects, arrays, unknown): those are read from
 * `_raw_data`. An id that may be expanded into its object is a `reference`: `"x-expandable": true`, or text or object.
 */
export function columnKind(property: unknown, root: JsonSchema): ColumnKind | undefined {
  const found = alternatives(property, root);
  const types = new Set(found.map((node) => node.type));
  if (types.size === 0) return undefined;
  if (isNode(property) && property['x-expandable'] === true) return 'reference';
  if (types.has('object') || types.has('array'))
    return types.has('string') && types.has('object') && types.size === 2 ? 'reference' : undefined;
  const formats = new Set(found.map((node) => node.format));
  const format = formats.size === 1 ? [...formats][0] : undefined;
  const only = (...allowed: string[]) => [...types].every((type) => allowed.includes(type as string));
  if (only('boolean')) return 'boolean';
  if (only('integer', 'number') && format === 'unix-time') return 'unix_time';
  if (only('integer')) return 'bigint';
  if (only('integer', 'number')) return 'numeric';
  if (only('string') && format === 'date-time') return 'iso_time';
  return 'text';
}

/** A date that exists, with an optional time and offset: what the cast below it surely accepts. */
const isoTime = (() => {
  const day = [
    '(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])',
    '(0[469]|11)-(0[1-9]|[12][0-9]|30)',
    '02-(0[1-9]|1[0-9]|2[0-8])',
  ].join('|');
  const leapYear = '[0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00';
  const date = `(?!0000)([0-9]{4}-(${day})|(${leapYear})-02-29)`;
  // A leap second becomes the second after it (there is none after 24:00:00), and digits beyond microseconds are rounded.
  const time = '([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]([.][0-9]{1,50})?|60([.]0{1,50})?))?';
  return `^${date}([Tt ]${time}([Zz]|[+-](0[0-9]|1[0-4]):?[0-5][0-9])?)?$`;
})();

/**
 * Ranges of jsonb: what is between two numbers is a number, since other types come before or after all numbers in its order.
 * Years 1 to 9999, in seconds since 1970.
 */
const unixTimeRange = `between '-62135596800'::jsonb and '253402300799'::jsonb`;
const bigintRange = `between '-9223372036854775808'::jsonb and '9223372036854775807'::jsonb`;

/**
 * SQL that makes a column's value from a jsonb expression. It never fails: a value that doesn't fit is null (it stays in
 * `_raw_data`). Written for Postgres 15, which has no way to try a cast.
 */
export function castSql(kind: ColumnKind, json: string): string {
  const type = `jsonb_typeof(${json})`;
  const text = `(${json} #>> '{}')`;
  switch (kind) {
    case 'text':
      return `case when ${type} in ('string', 'number', 'boolean') then ${text} end`;
    case 'reference':
      return `case ${type} when 'object' then ${ifShort(`(${json} ->> 'id')`)} when 'array' then null else ${ifShort(text)} end`;
    case 'boolean':
      return `case ${json} when 'true'::jsonb then true when 'false'::jsonb then false end`;
    case 'bigint':
      return `case when ${json} ${bigintRange} then case when (${json})::numeric % 1 = 0 then (${json})::bigint end when ${type} = 'string' then case when ${text} ~ '^-?[0-9]{1,19}$' then case when ${text}::numeric between -9223372036854775808 and 9223372036854775807 then ${text}::bigint end end end`;
    case 'numeric':
      return `case ${type} when 'number' then (${json})::numeric when 'string' then case when ${text} ~ '^-?[0-9]{1,100}([.][0-9]{1,100})?$' then ${text}::numeric end end`;
    case 'unix_time':
      return `case when ${json} ${unixTimeRange} then to_timestamp((${json})::double precision) end`;
    case 'iso_time':
      return `case when ${type} = 'string' then case when ${text} ~ '${isoTime}' then ${text}::timestamptz end end`;
    case 'jsonb':
      return `nullif(${json}, 'null')`;
    case 'short_text':
    case 'short_numeric':
    case 'short_jsonb':
      return ifShort(text, castSql(kind.slice('short_'.length) as Shortened, json));
  }
}

/** The kinds whose value {@link castTextSql} makes. */
export type TextualKind = 'text' | 'short_text' | 'reference';

/** Whether {@link castTextSql} makes the value of a kind. */
export function isTextual(kind: ColumnKind): kind is TextualKind {
  return kind === 'text' || kind === 'short_text' || kind === 'reference';
}

/**
 * As {@link castSql} for texts, given the value's text as well: most columns are text, and this takes half the time. Only
 * text that begins like an object or array is looked at twice.
 *
 * @param text SQL of the value as text, an object or array as its JSON, null for null
 */
export function castTextSql(kind: TextualKind, text: string, json: string): string {
  const isNested = `ascii(${text}) in (${'{'.charCodeAt(0)}, ${'['.charCodeAt(0)}) and jsonb_typeof(${json}) in ('object', 'array')`;
  if (kind === 'reference')
    return `case when ${isNested} then ${ifShort(`(${json} ->> 'id')`)} else ${ifShort(text)} end`;
  return `case when ${isNested} then null else ${kind === 'text' ? text : ifShort(text)} end`;
}

/** @param value what the text becomes: itself, when absent */
function ifShort(text: string, value = text): string {
  return `case when octet_length(${text}) <= ${indexedBytesMax} then ${value} end`;
}
