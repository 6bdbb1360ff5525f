/**
 * What a connector's config schema says about one place of a config, through unions and references. The schema comes from
 * connectors in any language, so any part of it may be missing.
 */
import type { JsonSchema } from './catalog.ts';

/** A part of a JSON Schema that is an object. */
export type SchemaPart = Record<string, unknown>;

/** The keywords under which a schema lists other schemas for the same value. */
const BRANCHES = ['anyOf', 'oneOf', 'allOf'] as const;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema and everything that it says about the same value: branches of unions and what `$ref` points to. */
export function withBranches(schema: unknown, root: unknown, found = new Set<SchemaPart>()): Set<SchemaPart> {
  if (!isObject(schema) || found.has(schema)) return found;
  found.add(schema);
  for (const keyword of BRANCHES) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) for (const branch of branches) withBranches(branch, root, found);
  }
  if (typeof schema.$ref === 'string' && schema.$ref.startsWith('#')) {
    const target = schema.$ref
      .split('/')
      .slice(1)
      .reduce<unknown>(
        (at, key) => (isObject(at) ? at[key.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined),
        root,
      );
    withBranches(schema.$ref === '#' ? root : target, root, found);
  }
  return found;
}

/** What the schemas say about one key, or one element of a list (its index, also as text). */
export function schemasBelow(schemas: Iterable<SchemaPart>, key: string | number, root: unknown): Set<SchemaPart> {
  const found = new Set<SchemaPart>();
  const isIndex = /^\d+$/.test(String(key));
  for (const schema of schemas) {
    if (typeof key === 'string' && isObject(schema.properties) && Object.hasOwn(schema.properties, key)) {
      withBranches(schema.properties[key], root, found);
    } else if (isIndex && (schema.items !== undefined || Array.isArray(schema.prefixItems))) {
      const place = Array.isArray(schema.prefixItems) ? schema.prefixItems[Number(key)] : undefined;
      withBranches(place ?? schema.items, root, found);
    } else if (typeof key === 'string') {
      withBranches(schema.additionalProperties, root, found);
    }
  }
  return found;
}

/** The schemas that may describe what stands at a path; empty when there is no such key. */
export function schemasAt(schema: JsonSchema, path: readonly string[]): SchemaPart[] {
  let found = withBranches(schema, schema);
  for (const key of path) found = schemasBelow(found, key, schema);
  return [...found];
}

/** The keys that an object at this path may have. */
export function keysAt(schema: JsonSchema, path: readonly string[]): string[] {
  const keys = schemasAt(schema, path).flatMap(({ properties }) =>
    isObject(properties) ? Object.keys(properties) : [],
  );
  return [...new Set(keys)];
}

/** The JSON types that a value at this path may have; empty when the schema doesn't say. */
export function typesAt(schema: JsonSchema, path: readonly string[]): string[] {
  const types = schemasAt(schema, path).flatMap((branch) => {
    if (typeof branch.type === 'string') return [branch.type];
    if (Array.isArray(branch.type)) return branch.type.filter((type) => typeof type === 'string');
    const values = Array.isArray(branch.enum) ? branch.enum : 'const' in branch ? [branch.const] : [];
    return values.map((value) => (value === null ? 'null' : typeof value));
  });
  return [...new Set(types)];
}
