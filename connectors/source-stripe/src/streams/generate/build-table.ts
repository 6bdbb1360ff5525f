import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonSchema } from '@penstock/protocol';
import { streamRules } from '../stream-rules.ts';
import type { ListEntry, Paging } from '../stream-table.ts';
import { child, type Property, propertiesOfType } from './declarations.ts';
import { type ListMethod, readListMethods } from './list-methods.ts';
import type { Formats } from './openapi-formats.ts';
import { propertySchema } from './property-schema.ts';

/** Stripe answers at most this many objects a page of a v1 list (API reference, Pagination). */
const V1_LIMIT = 100;
/** Of a v2 list, where its own description doesn't say more: a larger `limit` is refused by some of them. */
const V2_LIMIT = 20;
/** What the generator writes down. */
export interface StreamTable {
  readonly apiVersion: string;
  readonly lists: readonly ListEntry[];
  /** Properties of the objects of each stream. */
  readonly schemas: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
}

function limitOf(method: ListMethod, version: 1 | 2): number | null {
  const limit = method.parameters.find((parameter) => parameter.name === 'limit');
  if (limit === undefined) return null;
  if (version === 1) return V1_LIMIT;
  return Number(/maximum is (\d+)/i.exec(limit.doc)?.[1] ?? V2_LIMIT);
}

function whyExcluded(method: ListMethod): string | null {
  const rule = streamRules[method.path];
  if (rule?.excluded !== undefined) return rule.excluded;
  if (method.kind === 'search') return 'Searches what another list has.';
  if (method.path.includes('/preview/')) return 'Shows what would be made, and holds nothing.';
  const asked = rule?.queries?.join('&') ?? '';
  const required = method.parameters
    .filter((p) => !p.optional && !asked.includes(`${p.name}=`))
    .map((p) => `\`${p.name}\``);
  const parent = /^(.*)\/\{\w+\}/.exec(method.path)?.[1];
  if (parent !== undefined) return `A list under each object of \`${parent}\`: a request an object.`;
  if (required.length > 0) return `Can't be listed without ${required.join(' and ')}: a request each.`;
  return null;
}

/**
 * The property that the `created` filter compares; null where there is no filter that takes whole seconds, and where the
 * objects don't show what it compares: then nobody could go on from the time of the last object.
 */
function createdField(method: ListMethod, properties: readonly Property[], version: 1 | 2): string | null {
  if (version === 2 || !method.parameters.some((parameter) => parameter.name === 'created')) return null;
  return ['created', 'date'].find((name) => properties.some((property) => property.name === name)) ?? null;
}

function objectName(method: ListMethod, properties: readonly Property[]): string {
  const object = properties.find((property) => property.name === 'object');
  const { node } = object?.type ?? { node: undefined };
  if (node?.type === 'TSLiteralType') return child(node, 'literal').value as string;
  throw new Error(`${method.path}: the objects don't say what they are`);
}

function pagingOf(method: ListMethod, version: 1 | 2): Paging {
  if (version === 2) return 'page';
  return method.parameters.some((parameter) => parameter.name === 'starting_after') ? 'starting_after' : 'none';
}

/** Path in snake case, without the version of v1 and without ids: `checkout_sessions`, `v2_core_accounts`. */
export function streamName(path: string): string {
  return path
    .replace(/^\/v1\//, '')
    .split('/')
    .filter((part) => part !== '' && !part.startsWith('{'))
    .join('_');
}

/** @throws Error when the package holds something that is not understood, or a rule is of a list that doesn't exist */
export function buildTable(packageRoot: string, formats: Formats): StreamTable {
  const methods = readListMethods(packageRoot);
  const unknown = Object.keys(streamRules).filter((path) => !methods.some((method) => method.path === path));
  if (unknown.length > 0) throw new Error(`rules for lists that Stripe doesn't have: ${unknown.join(', ')}`);

  const lists: ListEntry[] = [];
  const schemas: Record<string, Record<string, JsonSchema>> = {};
  for (const method of methods) {
    const version = method.path.startsWith('/v2/') ? 2 : 1;
    const excluded = whyExcluded(method);
    const properties = excluded === null ? propertiesOfType(method.element) : [];
    const object = excluded === null ? objectName(method, properties) : '';
    const name = streamName(method.path);
    lists.push({
      name,
      path: method.path,
      object,
      version,
      created: excluded === null ? createdField(method, properties, version) : null,
      limit: limitOf(method, version),
      paging: pagingOf(method, version),
      excluded,
    });
    if (excluded !== null) continue;
    if (schemas[name] !== undefined) throw new Error(`two lists are named ${name}`);
    if (!properties.some((property) => property.name === 'id'))
      throw new Error(`${method.path}: objects without an id`);
    schemas[name] = Object.fromEntries(
      properties.flatMap((property) => {
        const schema = propertySchema(property, formats[object] ?? {}, version);
        return schema === undefined || property.name === 'deleted' ? [] : [[property.name, schema]];
      }),
    );
  }
  const version = /'([^']+)'/.exec(readFileSync(join(packageRoot, 'esm', 'apiVersion.js'), 'utf8'))?.[1];
  if (version === undefined) throw new Error('the package does not say its API version');
  return { apiVersion: version, lists, schemas };
}
