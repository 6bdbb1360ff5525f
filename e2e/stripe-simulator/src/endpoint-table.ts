import {
  aliasOf,
  eventsOfOthers,
  namedKinds,
  parentParameter,
  partOf,
  unlistedParents,
  usualWeight,
  weights,
} from './endpoint-rules.ts';
import generatedEndpoints from './generated/endpoints.json' with { type: 'json' };
import generatedResources from './generated/resources.json' with { type: 'json' };

/** The event types that Stripe sends about objects of a list, by what happened. */
export type EventTypes = {
  created?: string | undefined;
  updated?: string | undefined;
  deleted?: string | undefined;
};

/** What is known of one kind of object. Fields inside others are named by their path: `shipping.address.city`. */
export type Resource = {
  /** An object as JSON. */
  example: Readonly<Record<string, unknown>>;
  /** Names of the top-level fields that such objects can have. */
  fields: readonly string[];
  /** Fields that hold a time. */
  timestamps: readonly string[];
  /** Fields that hold an id, with the kind of object that it is of. */
  references: Readonly<Record<string, string>>;
  /** Fields that can be null. */
  nullable: readonly string[];
  /** Fields with one of a few values. */
  enums: Readonly<Record<string, readonly string[]>>;
  events?: EventTypes | undefined;
};

/** A list endpoint of Stripe's API. */
export type Endpoint = {
  /** With `{parent}` where the id of the parent stands. */
  path: string;
  /** The `object` value of what is listed. */
  object: string;
  /** Whether the endpoint is in Stripe's client package, in its older API description, or in both. */
  origin: 'package' | 'description' | 'both';
  params: Record<string, { required?: true | undefined; values?: string[] | undefined }>;
  version: 1 | 2;
  /** Path of the parent's list, for a list under a parent; `parameter` where a query parameter names it. */
  parent?: { path: string; parameter?: string };
};

/** Every kind of object, by its `object` value. */
export const resources: Readonly<Record<string, Resource>> = generatedResources;

/** Every list endpoint, by path. */
export const endpoints: ReadonlyMap<string, Endpoint> = new Map(
  (generatedEndpoints as Omit<Endpoint, 'version' | 'parent'>[]).map((e) => [
    e.path,
    { ...e, version: e.path.startsWith('/v2/') ? 2 : 1, ...parentOf(e.path) },
  ]),
);

function parentOf(path: string): Pick<Endpoint, 'parent'> {
  const named = parentParameter[path];
  if (named) return { parent: { path: named.parent, parameter: named.parameter } };
  const at = path.indexOf('/{parent}');
  return at < 0 ? {} : { parent: { path: path.slice(0, at) } };
}

/** The event types that tell of what happens to the objects of a path; none where it has no events. */
export function eventTypesOf(path: string, object: string): EventTypes {
  return eventsOfOthers.has(path) ? {} : (resources[object]?.events ?? {});
}

/** The top-level streams: lists that stand on their own and are not another's older name. */
export const topLevelPaths: readonly string[] = [...endpoints.values()]
  .filter((e) => !e.parent && !aliasOf[e.path])
  .map((e) => e.path);

/** The lists under a parent that have objects of their own. */
export const childPaths: readonly string[] = [...endpoints.values()]
  .filter((e) => e.parent && !aliasOf[e.path] && !partOf[e.path])
  .map((e) => e.path);

/** Whether a path can be given to `--count`: a top-level list, or a parent without a list. */
export function isCountable(path: string): boolean {
  return topLevelPaths.includes(path) || path in unlistedParents;
}

/**
 * Spreads a total over the top-level streams by their weights; the counts add up to the total as far as the streams
 * can hold it.
 *
 * @param fixed counts that are given by the user and not part of the total
 */
export function spreadCounts(total: number, fixed: Readonly<Record<string, number>>): Map<string, number> {
  const open = topLevelPaths.filter((path) => fixed[path] === undefined);
  const weightOf = (path: string) => weights[path] ?? usualWeight;
  const capOf = (path: string) => namedKinds[endpoints.get(path)?.object ?? '']?.length ?? Number.POSITIVE_INFINITY;
  const sum = open.reduce((s, path) => s + weightOf(path), 0);
  const counts = new Map<string, number>();
  for (const path of open) counts.set(path, Math.min(capOf(path), Math.floor((total * weightOf(path)) / sum)));
  // What rounding and the caps left over goes to the biggest streams, one each in turn.
  const bySize = open.filter((path) => weightOf(path) > 0).sort((a, b) => weightOf(b) - weightOf(a));
  let left = total - [...counts.values()].reduce((s, n) => s + n, 0);
  for (let i = 0; left > 0 && bySize.length > 0; i = (i + 1) % bySize.length) {
    const path = bySize[i] as string;
    const count = counts.get(path) ?? 0;
    if (count >= capOf(path)) continue;
    counts.set(path, count + 1);
    left--;
  }
  for (const [path, count] of Object.entries(fixed)) {
    const cap = topLevelPaths.includes(path) ? capOf(path) : Number.POSITIVE_INFINITY;
    if (count > cap) throw new RangeError(`${path} can have at most ${cap} objects: their ids are well-known names`);
    counts.set(path, count);
  }
  for (const path of Object.keys(unlistedParents)) if (!counts.has(path)) counts.set(path, 12);
  return counts;
}
