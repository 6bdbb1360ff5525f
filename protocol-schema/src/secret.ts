/**
 * Secrets (P7). A config schema marks them with `secret: true` (`writeOnly: true` is understood too); what is marked is
 * masked wherever a config is shown, and its values are cut out of any text that goes to a log.
 */
import type { JsonSchema } from './catalog.ts';
import { schemasBelow, withBranches } from './config-schema.ts';

/** What stands in the place of a secret. */
export const SECRET_MASK = '********';

/** Shorter values are not cut out of texts, in characters: they would match by chance and hide what is no secret. */
const SECRET_LENGTH_MIN = 6;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSecret(schemas: Iterable<Record<string, unknown>>): boolean {
  for (const schema of schemas) if (schema.secret === true || schema.writeOnly === true) return true;
  return false;
}

/** A copy of the value in which `replace` stands for what the schema marks as secret; `null` stays, it hides nothing. */
function mapSecrets(
  value: unknown,
  schemas: Set<Record<string, unknown>>,
  root: unknown,
  replace: (secret: unknown) => unknown,
): unknown {
  if (value === undefined || value === null) return value;
  if (isSecret(schemas)) return replace(value);
  if (Array.isArray(value))
    return value.map((item, i) => mapSecrets(item, schemasBelow(schemas, i, root), root, replace));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      mapSecrets(inner, schemasBelow(schemas, key, root), root, replace),
    ]),
  );
}

/** A copy of the config in which every value that the schema marks as secret is masked, whatever its type. */
export function maskSecrets(config: Record<string, unknown>, schema: JsonSchema): Record<string, unknown> {
  const root = withBranches(schema, schema);
  return mapSecrets(config, root, schema, () => SECRET_MASK) as Record<string, unknown>;
}

/** The dotted paths of all keys that a config schema marks as secret, e.g. `["api_key"]`. Elements of lists have none. */
export function secretPaths(schema: JsonSchema): string[] {
  const found = new Set<string>();
  const visit = (schemas: Set<Record<string, unknown>>, path: string, above: ReadonlySet<unknown>): void => {
    if (path !== '' && isSecret(schemas)) found.add(path);
    for (const node of schemas) {
      // A schema that refers to itself has no end of paths; the first round names them all.
      if (above.has(node) || !isObject(node.properties)) continue;
      for (const key of Object.keys(node.properties)) {
        const child = withBranches(node.properties[key], schema);
        visit(child, path === '' ? key : `${path}.${key}`, new Set([...above, node]));
      }
    }
  };
  visit(withBranches(schema, schema), '', new Set());
  return [...found];
}

/** All texts in a value, at any depth. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'bigint') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The password of a URL, as it is written; up to the last `@` before the path, since people forget to encode it. */
function urlPassword(text: string): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/@:]*:([^/]+)@/i.exec(text)?.[1];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded after all.
    return text;
  }
}

/**
 * Every secret of the config as it could appear in a text: what the schema marks, at any depth, and the password of every
 * URL, marked or not; plain, percent-encoded, and escaped as in JSON.
 */
export function secretValues(config: Record<string, unknown>, schema: JsonSchema): string[] {
  const marked: unknown[] = [];
  mapSecrets(config, withBranches(schema, schema), schema, (secret) => marked.push(secret));
  const passwords = textsIn(config)
    .map(urlPassword)
    .filter((password) => password !== undefined);
  const values = new Set<string>();
  for (const text of [...textsIn(marked), ...passwords, ...passwords.map(decoded)]) {
    if (text.length < SECRET_LENGTH_MIN) continue;
    for (const form of [text, encode(text), JSON.stringify(text).slice(1, -1)]) values.add(form);
  }
  return [...values];
}

function encode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    // A lone surrogate has no percent-encoding.
    return text;
  }
}

/**
 * Bounded in every part, so that no text takes more than linear time. The word PASSWORD stays: a message that says how a URL is
 * written has it in the place of one.
 */
const PASSWORD_IN_URL =
  /([A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/[^\s/@:"]{0,200}:)(?!PASSWORD@[^\s/@"]{0,300}(?:[\s/"]|$))[^\s/"]{1,1000}@/g;

/** The text with every one of the secret values, and the password of any URL, masked. */
export function scrubText(text: string, secrets: readonly string[]): string {
  let scrubbed = text;
  // Longest first: a secret that holds another one is masked as a whole.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret !== '') scrubbed = scrubbed.replaceAll(secret, SECRET_MASK);
  }
  return scrubbed.replace(PASSWORD_IN_URL, `$1${SECRET_MASK}@`);
}

/** A config in two parts that together are the whole of it. */
export interface SplitConfig {
  /** What may be kept anywhere. */
  readonly plain: Record<string, unknown>;
  /** What may not. */
  readonly secret: Record<string, unknown>;
  /** The dotted names of the values in `secret`. */
  readonly secretKeys: readonly string[];
}

/**
 * Takes the secrets out of a config: what the schema marks, and every text that holds a secret, such as a URL with a
 * password. A list with a secret anywhere in it is secret as a whole. Pure.
 *
 * @param known other values that must not be in `plain`
 */
export function splitSecrets(
  config: Record<string, unknown>,
  schema: JsonSchema,
  known: readonly string[] = [],
): SplitConfig {
  const values = [...secretValues(config, schema), ...known];
  const secretKeys: string[] = [];
  const isHidden = (value: unknown, schemas: Set<Record<string, unknown>>): boolean => {
    if (value === null || value === undefined) return false;
    if (isSecret(schemas)) return true;
    if (Array.isArray(value)) return value.some((item, i) => isHidden(item, schemasBelow(schemas, i, schema)));
    if (isObject(value))
      return Object.entries(value).some(([key, inner]) => isHidden(inner, schemasBelow(schemas, key, schema)));
    return typeof value === 'string' && scrubText(value, values) !== value;
  };
  const split = (part: Record<string, unknown>, schemas: Set<Record<string, unknown>>, path: readonly string[]) => {
    const plain: [string, unknown][] = [];
    const secret: [string, unknown][] = [];
    for (const [key, value] of Object.entries(part)) {
      const below = schemasBelow(schemas, key, schema);
      const at = [...path, key];
      if (!isHidden(value, below)) plain.push([key, value]);
      else if (isObject(value) && !isSecret(below)) {
        const inner = split(value, below, at);
        if (Object.keys(inner.plain).length > 0) plain.push([key, inner.plain]);
        secret.push([key, inner.secret]);
      } else {
        secret.push([key, value]);
        secretKeys.push(at.join('.'));
      }
    }
    return { plain: Object.fromEntries(plain), secret: Object.fromEntries(secret) };
  };
  return { ...split(config, withBranches(schema, schema), []), secretKeys };
}
