import type { PageFill } from '../admin/request-counts.ts';
import { partOf, unlistedParents } from '../endpoint-rules.ts';
import { endpoints } from '../endpoint-table.ts';
import type { Simulator } from '../simulator.ts';
import type { Listing } from '../store/listing.ts';
import { readFilters } from './filters.ts';
import { listPage, listPageV2 } from './list.ts';
import { type ListQuery, readListQuery, readParameters } from './query.ts';
import { type Route, route } from './route.ts';
import { resourceMissing, urlUnknown } from './stripe-error.ts';

/** A body as JSON text, and for a page of a list how full it is. */
export type Answer = { text: string; fill?: PageFill };

/**
 * Answers a GET of the API.
 *
 * @throws StripeError for every answer that isn't 200
 */
export function answer(simulator: Simulator, url: URL): Answer {
  const to = route(url.pathname, unlistedParents);
  switch (to.kind) {
    case 'account':
      return { text: simulator.renderAccount() };
    case 'list':
      return answerList(simulator, to, url);
    case 'retrieve':
      return { text: answerRetrieve(simulator, to) };
    default:
      throw urlUnknown('GET', url.pathname);
  }
}

/** Name under which requests for a path are counted: the endpoint's, with `{parent}` and `{id}` for ids. */
export function countedPath(path: string): string {
  const to = route(path, unlistedParents);
  if (to.kind === 'list') return to.endpoint.path;
  if (to.kind === 'retrieve') return `${to.listPath}/{id}`;
  return to.kind === 'account' ? path : 'unknown';
}

function answerList(simulator: Simulator, to: Route & { kind: 'list' }, url: URL): Answer {
  const { endpoint, own } = to;
  const query = readListQuery(endpoint, readParameters(url.searchParams), endpoint.path);
  const { listing, skipped } = findListing(simulator, to, query);
  const filters = readFilters(own.path, listing, query.values, skipped);
  const { text, count } =
    endpoint.version === 2
      ? listPageV2(listing, query, filters, url)
      : listPage(listing, own.object, query, filters, url.pathname);
  return {
    text,
    fill: count === 0 ? 'empty' : count < query.limit && Number.isFinite(query.limit) ? 'partial' : 'full',
  };
}

function findListing(simulator: Simulator, { endpoint, own, parentId }: Route & { kind: 'list' }, query: ListQuery) {
  const none = { skipped: [] as string[] };
  if (own.path === '/v1/events') return { ...none, listing: simulator.events as Listing };
  const part = partOf[endpoint.path];
  if (part && parentId !== undefined) {
    const listing = simulator.store.partList(endpoint.path, parentId);
    if (!listing) throw resourceMissing(endpoints.get(part.parent)?.object ?? 'object', parentId, part.field);
    return { ...none, listing };
  }
  if (!own.parent) return { ...none, listing: simulator.store.streams.get(own.path) as Listing };
  const parameter = own.parent.parameter;
  const id = parentId ?? (parameter === undefined ? undefined : query.values.get(parameter)?.text);
  const parentObject = endpoints.get(own.parent.path)?.object ?? unlistedParents[own.parent.path] ?? 'object';
  const listing = id === undefined ? undefined : simulator.store.childList(own.path, id);
  if (!listing)
    throw resourceMissing(
      parentObject,
      id ?? '',
      parameter ?? parentObject.split('.').pop() ?? 'id',
      parameter ? 400 : 404,
    );
  return {
    ...none,
    listing,
    skipped: [...(parameter ? [parameter] : []), 'customer', 'start_time', 'end_time', 'ownership'],
  };
}

function answerRetrieve(simulator: Simulator, { listPath, parentId, id }: Route & { kind: 'retrieve' }): string {
  const { store, events } = simulator;
  const object = endpoints.get(listPath)?.object ?? unlistedParents[listPath] ?? 'object';
  if (listPath === '/v1/accounts' && id === simulator.accountId) return simulator.renderAccount();
  const stream = store.streams.get(listPath);
  const listing: Listing | undefined =
    listPath === '/v1/events'
      ? events
      : (stream ?? (parentId === undefined ? undefined : store.childList(listPath, parentId)));
  if (listing) {
    const rank = listing.rankOf(id);
    if (rank !== undefined) return listing.render(rank);
    // Stripe goes on answering for a deleted customer, with hardly more than that it is deleted.
    if (listPath === '/v1/customers' && stream?.wasDeleted(id))
      return JSON.stringify({ id, object: 'customer', deleted: true });
    throw resourceMissing(object, id, 'id');
  }
  const child = store.childById(listPath, id);
  if (!child) throw resourceMissing(object, id, 'id');
  return child.list.render(child.rank);
}
