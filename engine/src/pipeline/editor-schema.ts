import { isDeepStrictEqual } from 'node:util';
import { type JsonSchema, withBranches } from '@penstock/protocol';
import { FILE_SUFFIX } from './connector-config.ts';

/** What restricts a text. */
const TEXT_RULES = ['pattern', 'format', 'minLength', 'maxLength', 'enum', 'const'];

/** A text with a reference to the environment in it; every document made here has it under this name. */
const REFERENCE = { $ref: '#/definitions/reference' };

/** What {@link withReferences} refers to: to be put into `definitions`. Editors would show a description beside that of each text. */
export const referenceDefinitions = {
  reference: {
    type: 'string',
    pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}',
  },
} as const;

/** Length of the shortest reference, `${X}`. */
const REFERENCE_LENGTH_MIN = 4;

/** Keywords whose value is a schema, a list of schemas, or schemas by name. Not those that turn the meaning round. */
const BELOW = ['items', 'additionalItems', 'additionalProperties', 'contains'] as const;
const LISTS = ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const;
const MAPS = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'] as const;

type Part = Record<string, unknown>;

function isObject(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema with another in the place of each schema below it. */
function mapBelow(schema: Part, change: (below: unknown, keyword: string) => unknown): Part {
  const changed: Part = { ...schema };
  for (const keyword of BELOW) {
    // Several, of one place in a list each, as draft 7 has them.
    const below = changed[keyword];
    if (Array.isArray(below)) changed[keyword] = below.map((one) => change(one, keyword));
    else if (keyword in changed) changed[keyword] = change(below, keyword);
  }
  for (const keyword of LISTS) {
    const list = changed[keyword];
    if (Array.isArray(list)) changed[keyword] = list.map((below) => change(below, keyword));
  }
  for (const keyword of MAPS) {
    const map = changed[keyword];
    if (!isObject(map)) continue;
    changed[keyword] = Object.fromEntries(Object.entries(map).map(([key, below]) => [key, change(below, keyword)]));
  }
  // Of branches that let more through than before, a value may fit several.
  if (Array.isArray(schema.oneOf) && !isDeepStrictEqual(changed.oneOf, schema.oneOf)) {
    const { oneOf, ...rest } = changed;
    return withAnyOf(rest, oneOf);
  }
  return changed;
}

/** The schema, which also wants one of these branches. */
function withAnyOf(schema: Part, branches: unknown): Part {
  const { anyOf, allOf, ...rest } = schema;
  if (anyOf === undefined) return { ...schema, anyOf: branches };
  return { ...rest, allOf: [...(Array.isArray(allOf) ? allOf : []), { anyOf }, { anyOf: branches }] };
}

function mayBeText({ type, enum: values, const: value }: Part): boolean {
  if (type !== undefined) return type === 'string' || (Array.isArray(type) && type.includes('string'));
  return (Array.isArray(values) && values.some((one) => typeof one === 'string')) || typeof value === 'string';
}

/** Whether a keyword keeps some references out. Those about texts say nothing about other values. */
function isTextRule(schema: Part, keyword: string): boolean {
  if (!TEXT_RULES.includes(keyword)) return false;
  if (keyword === 'enum' || keyword === 'const') return mayBeText(schema);
  return keyword !== 'minLength' || Number(schema.minLength) > REFERENCE_LENGTH_MIN;
}

/**
 * The schema for a file in which any text may be `${NAME}`: each rule about a text lets a reference through, since what it
 * stands for is known to the engine alone. Pure.
 */
export function withReferences(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const below = mapBelow(schema, withReferences);
  const [ruled, rest] = [true, false].map((isRule) =>
    Object.fromEntries(Object.entries(below).filter(([key]) => isTextRule(below, key) === isRule)),
  ) as [Part, Part];
  return Object.keys(ruled).length === 0 ? below : withAnyOf(rest, [ruled, REFERENCE]);
}

/** Rules about which keys stand together. In a file they may be broken: flags and the environment give keys too. */
const KEY_RULES = ['required', 'minProperties', 'dependentRequired', 'dependentSchemas', 'if', 'then', 'else', 'not'];

/** Below these a value is taken from the file as it stands: no flag leads into a list, and no `…_file` key is looked for. */
const WHOLE_VALUES: readonly string[] = [
  'items',
  'prefixItems',
  'contains',
  'additionalProperties',
  'patternProperties',
];

/**
 * A connector's config schema for what stands in a pipeline file: with references, with `KEY_file` for each text KEY, and
 * without what may be given elsewhere. What is in `$defs` is taken for such a place too, so a list may let more through. Pure.
 *
 * @param place of the schema in the document, as a reference: `#/definitions/source-config`
 */
export function editorConfigSchema(schema: JsonSchema, place: string): Part {
  const change = (part: unknown, keyword: string): unknown => {
    if (!isObject(part)) return part;
    if (WHOLE_VALUES.includes(keyword)) return moveReferences(part, place);
    const moved = mapBelow(part, change);
    for (const rule of KEY_RULES) delete moved[rule];
    if (isObject(moved.properties)) moved.properties = withFileKeys(moved.properties, part.properties as Part, schema);
    return asDraft7(moved, place);
  };
  const { $schema: _draft, $id: _id, ...rest } = schema;
  return withReferences(change(rest, '')) as Part;
}

/** What later drafts say in other words, and references as they lead on from where the schema is now. */
function asDraft7(part: Part, place: string): Part {
  const { $ref, prefixItems, items, ...rest } = part;
  const lists = Array.isArray(prefixItems)
    ? { items: prefixItems, ...(items === undefined ? {} : { additionalItems: items }) }
    : items === undefined
      ? {}
      : { items };
  if (typeof $ref !== 'string') return { ...rest, ...lists };
  const reference = { $ref: $ref.startsWith('#') ? place + $ref.slice(1) : $ref };
  const others = { ...rest, ...lists };
  // Nothing beside a reference would count.
  if (Object.keys(others).length === 0) return reference;
  return { ...others, allOf: [...(Array.isArray(rest.allOf) ? rest.allOf : []), reference] };
}

function moveReferences(part: unknown, place: string): unknown {
  if (!isObject(part)) return part;
  return asDraft7(
    mapBelow(part, (below) => moveReferences(below, place)),
    place,
  );
}

function withFileKeys(properties: Part, before: Part, root: JsonSchema): Part {
  const files = Object.keys(properties)
    .filter((key) => !Object.hasOwn(properties, key + FILE_SUFFIX))
    .filter((key) => [...withBranches(before[key], root)].some(mayBeText))
    .map((key) => [key + FILE_SUFFIX, { type: 'string', description: `The path of a file that holds \`${key}\`.` }]);
  return { ...properties, ...Object.fromEntries(files) };
}
