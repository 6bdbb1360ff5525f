import { isDeepStrictEqual } from 'node:util';
import { type JsonSchema, schemasAt } from '@penstock/protocol';

type Config = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * What a connector's whole config has beyond the one that it was given: the keys that the user gave no value, at any depth.
 * Left out are defaults of the schema, which may be others in a later version, and other values of keys that the user gave:
 * the user's always win. Pure.
 *
 * @param given with what stands in the files of `…_file` keys
 * @param whole from a `control` message
 */
export function resolvedBeyond(
  given: Config,
  whole: Config,
  schema: JsonSchema,
  path: readonly string[] = [],
): Record<string, unknown> {
  const beyond: [string, unknown][] = [];
  for (const [key, value] of Object.entries(whole)) {
    const at = [...path, key];
    const isGiven = Object.hasOwn(given, key);
    if (isObject(value) && (!isGiven || isObject(given[key]))) {
      const inner = resolvedBeyond(isGiven ? (given[key] as Config) : {}, value, schema, at);
      if (Object.keys(inner).length > 0) beyond.push([key, inner]);
    } else if (!isGiven && value !== undefined && !isDefault(value, schema, at)) {
      beyond.push([key, value]);
    }
  }
  return Object.fromEntries(beyond);
}

function isDefault(value: unknown, schema: JsonSchema, path: readonly string[]): boolean {
  return schemasAt(schema, path).some((branch) => 'default' in branch && isDeepStrictEqual(branch.default, value));
}

/** Two configs in one; where both have a value, the stronger one's counts. Neither is changed. Pure. */
export function mergeUnder(weaker: Config, stronger: Config): Record<string, unknown> {
  const merged = new Map<string, unknown>(Object.entries(weaker));
  for (const [key, value] of Object.entries(stronger)) {
    const under = merged.get(key);
    merged.set(key, isObject(under) && isObject(value) ? mergeUnder(under, value) : value);
  }
  return Object.fromEntries(merged);
}
