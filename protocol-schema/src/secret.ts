/**
 * Secrets (P7). A config schema marks them with `secret: true` (`writeOnly: true` is understood too); what is marked is
 * masked wherever a config is shown, and its values are cut out of any text that goes to a log.
 */
import type { JsonSchema } from './catalog.ts';

/** What stands in the place of a secret. */
export const SECRET_MASK = '********';

/** Shorter values are not cut out of texts: they would match by chance and hide what is no secret. */
const SECRET_LENGTH_MIN = 6;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSecret(schema: unknown): boolean {
  return isObject(schema) && (schema.secret === true || schema.writeOnly === true);
}

/** The schemas that can describe the key `key` below `schema`, through unions and the like. */
function schemasOfKey(schema: unknown, key: string): unknown[] {
  if (!isObject(schema)) return [];
  const found: unknown[] = [];
  if (isObject(schema.properties) && Object.hasOwn(schema.properties, key)) found.push(schema.properties[key]);
  else if (isObject(schema.additionalProperties)) found.push(schema.additionalProperties);
  for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) {
    const branches = schema[keyword];
    if (Array.isArray(branches)) for (const branch of branches) found.push(...schemasOfKey(branch, key));
  }
  return found;
}

/** A copy of the config in which every value that the schema marks as secret is masked. */
export function maskSecrets(config: Record<string, unknown>, schema: JsonSchema): Record<string, unknown> {
  return maskObject(config, [schema]);
}

function maskObject(value: Record<string, unknown>, schemas: readonly unknown[]): Record<string, unknown> {
  const masked: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const below = schemas.flatMap((schema) => schemasOfKey(schema, key));
    if (inner !== undefined && inner !== null && below.some(isSecret)) masked[key] = SECRET_MASK;
    else if (isObject(inner)) masked[key] = maskObject(inner, below);
    else masked[key] = inner;
  }
  return masked;
}

/** The dotted paths of all keys that a config schema marks as secret, e.g. `["api_key"]`. */
export function secretPaths(schema: JsonSchema): string[] {
  const found = new Set<string>();
  const visit = (node: unknown, path: string): void => {
    if (!isObject(node)) return;
    if (path !== '' && isSecret(node)) found.add(path);
    if (isObject(node.properties)) {
      for (const [key, child] of Object.entries(node.properties)) visit(child, path === '' ? key : `${path}.${key}`);
    }
    for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) {
      const branches = node[keyword];
      if (Array.isArray(branches)) for (const branch of branches) visit(branch, path);
    }
  };
  visit(schema, '');
  return [...found];
}

/** Every secret value that stands in the config, and the passwords inside its URLs, as they could appear in a text. */
export function secretValues(config: Record<string, unknown>, schema: JsonSchema): string[] {
  const values = new Set<string>();
  for (const path of secretPaths(schema)) {
    const value = path.split('.').reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), config);
    if (typeof value !== 'string') continue;
    values.add(value);
    const password = /^[a-z][a-z0-9+.-]*:\/\/[^/@:]*:([^@/]+)@/i.exec(value)?.[1];
    if (password === undefined) continue;
    values.add(password);
    try {
      values.add(decodeURIComponent(password));
    } catch {
      // Not percent-encoded after all; the text as it stands is in the set.
    }
  }
  return [...values].filter((value) => value.length >= SECRET_LENGTH_MIN);
}

/** The text with every one of the secret values, and the password of any URL, masked. */
export function scrubText(text: string, secrets: readonly string[]): string {
  let scrubbed = text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/@:]*:)[^\s@/]+@/gi, `$1${SECRET_MASK}@`);
  // Longest first: a secret that holds another one is masked as a whole.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length))
    scrubbed = scrubbed.replaceAll(secret, SECRET_MASK);
  return scrubbed;
}
