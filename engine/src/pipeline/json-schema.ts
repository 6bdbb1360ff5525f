import type { JsonSchema } from '@penstock/protocol';

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A schema and its alternatives. */
function branchesOf(schema: unknown): Record<string, unknown>[] {
  if (!isObject(schema)) return [];
  const inner = ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => {
    const branches = schema[keyword];
    return Array.isArray(branches) ? branches.flatMap(branchesOf) : [];
  });
  return [schema, ...inner];
}

/** The schemas that may describe what stands at a path; empty when there is no such key. */
export function schemasAt(schema: JsonSchema, path: readonly string[]): Record<string, unknown>[] {
  let found: Record<string, unknown>[] = branchesOf(schema);
  for (const key of path) {
    found = found.flatMap(({ properties, additionalProperties, items }) => {
      if (isObject(properties) && Object.hasOwn(properties, key)) return branchesOf(properties[key]);
      return /^\d+$/.test(key) ? branchesOf(items) : branchesOf(additionalProperties);
    });
  }
  return found;
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
