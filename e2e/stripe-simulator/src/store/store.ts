import type { Clock } from '../clock.ts';
import { type DistributionName, timeline } from '../distribution.ts';
import { aliasOf, idPrefix, namedKinds, partOf, unlistedParents } from '../endpoint-rules.ts';
import { childPaths, endpoints, eventTypesOf, type Resource, resources, topLevelPaths } from '../endpoint-table.ts';
import { type IdSpace, namedIds, scrambledIds } from '../object-id.ts';
import { compileShape, type Shape, type Slot, shapeWhenNeeded } from '../object-shape.ts';
import { hashText } from '../random.ts';
import { type ChildKind, ChildList, parentIndexOf } from './child-list.ts';
import { type Listing, liveRanks } from './listing.ts';
import { PartIndex } from './part-list.ts';
import { Stream } from './stream.ts';

/** A list inside an object has no more than this many of its objects (Stripe API reference: the default page). */
const embeddedMax = 10;

/** What the objects are made from. */
export type StoreOptions = {
  seed: number;
  /** Objects per path, for every top-level path and every parent without a list. */
  counts: ReadonlyMap<string, number>;
  distributionOf(path: string): DistributionName;
  /** First second of the objects' time. */
  from: number;
  /** Second after the last. */
  to: number;
  accountId: string;
  clock: Clock;
};

/** All simulated objects, but for events, which tell of these. */
export class Store {
  readonly streams = new Map<string, Stream>();
  readonly #children = new Map<string, ChildKind>();
  readonly #byObject = new Map<string, Stream>();
  readonly #parts = new Map<string, PartIndex>();
  readonly #options: StoreOptions;

  constructor(options: StoreOptions) {
    this.#options = options;
    for (const path of topLevelPaths)
      if (path !== '/v1/events') this.#addStream(path, endpoints.get(path)?.object as string);
    for (const [path, object] of Object.entries(unlistedParents)) this.#addStream(path, object);
    for (const path of childPaths) this.#children.set(path, this.#childKind(path));
    for (const [path, { path: whole, field, parent }] of Object.entries(partOf)) {
      const [stream, parents] = [this.streams.get(whole) as Stream, this.streams.get(parent) as Stream];
      this.#parts.set(path, new PartIndex({ stream, parents, field }));
    }
  }

  #addStream(path: string, object: string): void {
    const { counts, from, to, clock, distributionOf } = this.#options;
    const seed = hashText(this.#options.seed, path);
    const baseCount = counts.get(path) ?? 0;
    const stream = new Stream({
      path,
      object,
      seed,
      baseCount,
      sizeMax: namedKinds[object]?.length ?? Number.POSITIVE_INFINITY,
      clock,
      ordered: !path.startsWith('/v2/'),
      ids: idSpaceOf(seed, path, object),
      eventTypes: eventTypesOf(path, object),
      timeline: timeline(distributionOf(path), baseCount, from, to, seed),
      shape: this.#shape(seed, object, undefined, undefined, path),
    });
    this.streams.set(path, stream);
    if (!this.#byObject.has(object)) this.#byObject.set(object, stream);
  }

  #childKind(path: string): ChildKind {
    const endpoint = endpoints.get(path);
    if (!endpoint?.parent) throw new Error(`${path} has no parent`);
    const seed = hashText(this.#options.seed, path);
    const parentEndpoint = endpoints.get(endpoint.parent.path);
    const parentObject = parentEndpoint?.object ?? unlistedParents[endpoint.parent.path];
    return {
      path,
      object: endpoint.object,
      seed,
      ids: idSpaceOf(seed, path, endpoint.object),
      namedCount: namedKinds[endpoint.object]?.length,
      shape: this.#shape(seed, endpoint.object, parentObject, endpoint.parent.parameter ?? parentObject, path),
    };
  }

  #shape(
    seed: number,
    object: string,
    parentObject: string | undefined,
    parentField: string | undefined,
    path: string,
  ): Shape {
    return shapeWhenNeeded(() =>
      compileShape({
        seed,
        resource: resources[object] as Resource,
        parentObject,
        parentField,
        accountId: this.#options.accountId,
        idOf: (of, hash) => this.#idByHash(of, hash),
        embeddedList: (url) => this.#embeddedList(path, url),
      }),
    );
  }

  /** Ids of base objects only, so that what refers to them doesn't change with what happens later. */
  #idByHash(object: string, hash: number): string | undefined {
    const stream = this.#byObject.get(object);
    return stream && stream.baseCount > 0 ? stream.idAt(hash % stream.baseCount) : undefined;
  }

  /** The list that an object has inside: found by the URL that its example gives for it. */
  #embeddedList(path: string, url: string): Slot | undefined {
    const [pathname = '', query] = url.split('?');
    const parameter = query?.split('=')[0];
    const name = pathname.slice(pathname.lastIndexOf('/') + 1);
    const childPath = parameter ? pathname : `${path}/{parent}/${name}`;
    const endpoint = endpoints.get(aliasOf[childPath] ?? childPath);
    if (endpoint?.parent?.path !== path || endpoint.parent.parameter !== parameter) return undefined;
    return (subject, out) => {
      const kind = this.#children.get(endpoint.path) as ChildKind;
      const list = new ChildList(kind, subject);
      out.text('{"object":"list","data":[');
      let count = 0;
      for (const rank of liveRanks(list)) {
        if (count === embeddedMax) break;
        if (count++ > 0) out.text(',');
        list.write(rank, out);
      }
      const at = parameter ? `${pathname}?${parameter}=${subject.id}` : childPath.replace('{parent}', subject.id);
      out.text(`],"has_more":${list.size() > embeddedMax},"url":${JSON.stringify(at)}}`);
    };
  }

  /** The list under one parent; undefined where there is no such parent. */
  childList(path: string, parentId: string): Listing | undefined {
    const kind = this.#children.get(path);
    const parentPath = endpoints.get(path)?.parent?.path;
    if (!kind || parentPath === undefined) return undefined;
    const parent = this.#parentSubject(parentPath, parentId);
    return parent && new ChildList(kind, parent);
  }

  /** The objects of a top-level list that belong to one parent; undefined where there is no such parent. */
  partList(path: string, parentId: string): Listing | undefined {
    const parentRank = this.streams.get(partOf[path]?.parent ?? '')?.rankOf(parentId);
    return parentRank === undefined ? undefined : this.#parts.get(path)?.listOf(parentRank);
  }

  /** Parents may be children themselves: usage summaries lie under items of subscriptions. */
  #parentSubject(path: string, id: string): { index: number; id: string; created: number } | undefined {
    const stream = this.streams.get(path);
    if (stream) {
      const rank = stream.rankOf(id);
      return rank === undefined ? undefined : stream.subject(rank);
    }
    const kind = this.#children.get(path);
    const index = kind?.ids.indexOf(id);
    if (!kind || index === undefined) return undefined;
    const grandparents = this.streams.get(endpoints.get(path)?.parent?.path ?? '');
    const grandparentRank = parentIndexOf(index);
    if (!grandparents || grandparentRank >= grandparents.size()) return undefined;
    const list = new ChildList(kind, grandparents.subject(grandparentRank));
    const rank = list.rankOf(id);
    return rank === undefined ? undefined : { index, id, created: list.createdAt(rank) };
  }

  /** Every list of a kind under its parents, parents newest first. */
  *childLists(path: string): Generator<{ parentId: string; list: Listing }> {
    const parentPath = endpoints.get(path)?.parent?.path ?? '';
    const parents = this.streams.get(parentPath);
    if (parents) {
      for (const rank of liveRanks(parents)) {
        const parentId = parents.idAt(rank);
        const list = this.childList(path, parentId);
        if (list) yield { parentId, list };
      }
      return;
    }
    for (const { list: parentList } of this.childLists(parentPath)) {
      for (const rank of liveRanks(parentList)) {
        const parentId = parentList.idAt(rank);
        const list = this.childList(path, parentId);
        if (list) yield { parentId, list };
      }
    }
  }

  /** An object under a parent that a query parameter names, by its own id alone. */
  childById(path: string, id: string): { list: Listing; rank: number } | undefined {
    const kind = this.#children.get(path);
    const index = kind?.ids.indexOf(id);
    const parents = this.streams.get(endpoints.get(path)?.parent?.path ?? '');
    if (!kind || index === undefined || !parents) return undefined;
    const parentRank = parentIndexOf(index);
    if (parentRank >= parents.size() || !parents.isLive(parentRank)) return undefined;
    const list = new ChildList(kind, parents.subject(parentRank));
    const rank = list.rankOf(id);
    return rank === undefined ? undefined : { list, rank };
  }
}

/** Ids of a kind: names where everybody knows them, otherwise Stripe's prefix and letters that show no order. */
function idSpaceOf(seed: number, path: string, object: string): IdSpace {
  const names = namedKinds[object];
  if (names) return namedIds(names);
  const example = String(resources[object]?.example.id ?? '');
  const prefix = idPrefix[object] ?? /^(?:[a-z]+_)+/.exec(example)?.[0] ?? `${object.slice(0, 4)}_`;
  const length = example.length - prefix.length >= 20 || idPrefix[object] !== undefined ? 24 : 14;
  return scrambledIds(seed, path, prefix, object === 'coupon' ? 14 : length);
}
