import type { JsonSchema } from '@penstock/protocol';

type Properties = Readonly<Record<string, JsonSchema>>;

function isNullable(schema: JsonSchema): boolean {
  return Array.isArray(schema.type) && schema.type.includes('null');
}

function withoutNull(schema: JsonSchema): JsonSchema {
  return { ...schema, type: isNullable(schema) ? (schema.type as string[])[0] : schema.type };
}

/** A schema that fits what both fit; of values of different types, `{}`. */
function mergeTwo(a: JsonSchema, b: JsonSchema): JsonSchema {
  if (a.type === undefined || b.type === undefined) return {};
  const [left, right] = [withoutNull(a), withoutNull(b)];
  if (left.type !== right.type) return {};
  // A text that is a time or an id in some of them only is a text.
  const merged = JSON.stringify(left) === JSON.stringify(right) ? left : { type: left.type };
  return isNullable(a) || isNullable(b) ? { ...merged, type: [merged.type as string, 'null'] } : merged;
}

/**
 * The properties of objects of several kinds: all that one of them has, absent or null where another hasn't it.
 *
 * @param kinds the properties of each kind as JSON Schema, with one type or one and `null`
 */
export function mergeSchemas(kinds: readonly Properties[]): Properties {
  const names = new Set(kinds.flatMap((properties) => Object.keys(properties)));
  return Object.fromEntries(
    [...names].map((name) => {
      const found = kinds.flatMap((properties) => (properties[name] === undefined ? [] : [properties[name]]));
      const merged = found.reduce(mergeTwo);
      const inAll = found.length === kinds.length || merged.type === undefined || isNullable(merged);
      return [name, inAll ? merged : { ...merged, type: [merged.type as string, 'null'] }];
    }),
  );
}
