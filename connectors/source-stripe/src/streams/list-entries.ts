import { embeddedLists, embeddedProperty, type KnownList } from './embedded-lists.ts';
import { type ElementFacts, type ListFacts, versionOf } from './list-facts.ts';
import type { StreamSchemas } from './make-table.ts';
import { olderLists } from './older-lists.ts';
import { streamRules } from './stream-rules.ts';
import type { ListEntry, Paging } from './stream-table.ts';

/** Stripe answers at most this many objects a page of a v1 list (API reference, Pagination). */
const V1_LIMIT = 100;
/** Of a v2 list, where its own description doesn't say more: a larger `limit` is refused by some of them. */
const V2_LIMIT = 20;

/** The lists of an API description as they are read. */
export interface ListTable {
  /** In the order of their paths. */
  readonly lists: readonly ListEntry[];
  /** Properties of the objects of each stream. */
  readonly schemas: StreamSchemas;
}

/** Path in snake case, without the version of v1 and without ids: `checkout_sessions`, `v2_core_accounts`. */
export function streamName(path: string): string {
  return path
    .replace(/^\/v1\//, '')
    .split('/')
    .filter((part) => part !== '' && !part.startsWith('{'))
    .join('_');
}

/** Path of the list that holds the parents; undefined for a list that stands on its own. */
function parentPath(path: string): string | undefined {
  return streamRules[path]?.under?.parent ?? /^(.*?)\/\{id\}/.exec(path)?.[1];
}

/** A rule's queries, as far as this version of the API has their parameters. */
function queriesOf(facts: ListFacts): readonly string[] | undefined {
  const known = (query: string): boolean =>
    query.split('&').every((part) => facts.parameters.some(({ name }) => name === part.split(/[[=]/)[0]));
  const queries = streamRules[facts.path]?.queries?.filter(known) ?? [];
  return queries.length > 0 ? queries : undefined;
}

/** Why a list can't be read, as far as it shows by itself. */
function whyExcluded(facts: ListFacts, paths: ReadonlySet<string>): string | null {
  const { path, kind, parameters } = facts;
  const rule = streamRules[path];
  if (rule?.excluded !== undefined) return rule.excluded;
  if (kind === 'search') return 'Searches what another list has.';
  if (/\/(preview|upcoming)\//.test(path)) return 'Shows what would be made, and holds nothing.';
  const newer = olderLists[path];
  if (newer !== undefined && paths.has(newer)) return `Has nothing that \`${newer}\` doesn't have.`;
  if (path.split('{id}').length > 2) return 'Needs more than one id for each request.';
  const asked = [...(queriesOf(facts) ?? []), `${rule?.under?.parameter}=`].join('&');
  const required = parameters.filter((p) => p.required && !asked.includes(`${p.name}=`)).map((p) => `\`${p.name}\``);
  if (required.length > 0) return `Can't be listed without ${required.join(' and ')}: a request each.`;
  return null;
}

/** Why a list under a parent can't be read: only those of streams that stand on their own are. */
function whyParentless(path: string, readable: ReadonlyMap<string, unknown>): string | null {
  const parent = parentPath(path);
  if (parent === undefined) return null;
  if (!readable.has(parent)) return `Its parents, of \`${parent}\`, are in no list that is read.`;
  if (parentPath(parent) !== undefined) return `Its parents, of \`${parent}\`, are under a parent themselves.`;
  return null;
}

/** Why a list can't be a stream beside the others: names are unique. */
function whyNameless(path: string, named: ReadonlyMap<string, string>): string | null {
  const other = named.get(streamName(path));
  return other === undefined ? null : `Would be named like \`${other}\`.`;
}

/**
 * The property that the `created` filter compares; null where there is no filter that takes whole seconds, and where the
 * objects don't show what it compares: then nobody could go on from the time of the last object.
 */
function createdField(facts: ListFacts, element: ElementFacts): string | null {
  if (versionOf(facts.path) === 2 || !facts.parameters.some(({ name }) => name === 'created')) return null;
  return ['created', 'date'].find((name) => element.properties[name] !== undefined) ?? null;
}

function limitOf(facts: ListFacts): number | null {
  const limit = facts.parameters.find(({ name }) => name === 'limit');
  if (limit === undefined) return null;
  return versionOf(facts.path) === 1 ? V1_LIMIT : (limit.maximum ?? V2_LIMIT);
}

function pagingOf(facts: ListFacts): Paging {
  if (versionOf(facts.path) === 2) return 'page';
  return facts.parameters.some(({ name }) => name === 'starting_after') ? 'starting_after' : 'none';
}

/** The objects of a list, or why they can't be records. */
function readElement(facts: ListFacts): ElementFacts | string {
  const element = facts.element();
  if (element.kinds.length === 0) return "The objects don't say what they are.";
  if (element.properties.id === undefined) return 'The objects have no id.';
  return element;
}

/** @param element of the list, or why it is not read */
function listEntry(facts: ListFacts, element: ElementFacts | string, known: readonly KnownList[]): ListEntry {
  const { path } = facts;
  const rule = streamRules[path];
  const name = streamName(path);
  const common = { version: versionOf(path), limit: limitOf(facts), paging: pagingOf(facts) };
  if (typeof element === 'string') return { name, path, object: '', created: null, ...common, excluded: element };
  const [kind = '', ...others] = element.kinds;
  const queries = queriesOf(facts);
  const parent = parentPath(path);
  const embedded = parent === undefined ? embeddedLists(path, element, known) : [];
  return {
    name,
    path: rule?.under === undefined ? path : `${path}?${rule.under.parameter}={id}`,
    object: others.length === 0 ? kind : (rule?.object ?? element.kinds.join(' or ')),
    created: parent === undefined ? createdField(facts, element) : null,
    ...common,
    ...(queries === undefined ? {} : { queries }),
    ...(parent === undefined ? {} : { parent: { path: parent, embedded: embeddedProperty(path, known) } }),
    ...(embedded.length === 0 ? {} : { embeddedLists: embedded }),
    excluded: null,
  };
}

/**
 * How each list is read, from what an API description says of it and the hand-written rules.
 *
 * @param described with different paths, in any order
 * @throws Error when an element is described in a way that is not understood
 */
export function listTable(described: readonly ListFacts[]): ListTable {
  const all = described.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const paths = new Set(all.map(({ path }) => path));
  const isTop = (path: string): boolean => parentPath(path) === undefined;
  const reasons = new Map(all.map((facts) => [facts.path, whyExcluded(facts, paths)]));
  const elements = new Map<string, ElementFacts>();
  const named = new Map<string, string>();
  // Parents first: a list under a parent is read only when the parents are.
  for (const facts of [...all.filter(({ path }) => isTop(path)), ...all.filter(({ path }) => !isTop(path))]) {
    const { path } = facts;
    const reason = reasons.get(path) ?? whyParentless(path, elements) ?? whyNameless(path, named);
    const element = reason ?? readElement(facts);
    if (typeof element === 'string') {
      reasons.set(path, element);
      continue;
    }
    elements.set(path, element);
    named.set(streamName(path), path);
  }
  const known = all.flatMap((facts) => {
    const element = elements.get(facts.path);
    return element === undefined ? [] : [{ facts, element, parent: parentPath(facts.path) }];
  });

  const lists = all.map((facts) => listEntry(facts, elements.get(facts.path) ?? reasons.get(facts.path) ?? '', known));
  const schemas = known.map(({ facts, element }) => [streamName(facts.path), element.properties]);
  return { lists, schemas: Object.fromEntries(schemas) };
}
