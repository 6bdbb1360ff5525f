import type { PageFill } from '../admin/request-counts.ts';
import { partOf, unlistedParents } from '../endpoint-rules.ts';
import { endpoints } from '../endpoint-table.ts';
import type { Simulator } from '../simulator.ts';
import type { Listing } from '../store/listing.ts';
import type { TextWriter } from '../text-writer.ts';
import { readFilters } from './filters.ts';
import { writePage, writePageV2 } from './list.ts';
import { type ListQuery, readListQuery, readParameters } from './query.ts';
import { type Route, route } from './route.ts';
import { resourceMissing, urlUnknown } from './stripe-error.ts';

/**
 * Writes what a GET of the API is answered with, as JSON text.
 *
 * @throws StripeError for every answer that isn't 200; something may have been written by then
 * @returns for a page of a list how full it is
 */
export function writeAnswer(simulator: Simulator, url: URL, out: TextWriter): PageFill | undefined {
  const to = route(url.pathname, unlistedParents);
  switch (to.kind) {
    case 'account':
      simulator.writeAccount(out);
      return undefined;
    case 'list':
      return writeList(simulator, to, url, out);
    case 'retrieve':
      writeRetrieved(simulator, to, out);
      return undefined;
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

function writeList(simulator: Simulator, to: Route & { kind: 'list' }, url: URL, out: TextWriter): PageFill {
  const { endpoint, own } = to;
  const query = readListQuery(endpoint, readParameters(url.searchParams), endpoint.path);
  const { listing, skipped } = findListing(simulator, to, query);
  const filters = readFilters(own.path, listing, query.values, skipped);
  const count =
    endpoint.version === 2
      ? writePageV2(listing, query, filters, url, out)
      : writePage(listing, own.object, query, filters, url.pathname, out);
  return count === 0 ? 'empty' : count < query.limit && Number.isFinite(query.limit) ? 'partial' : 'full';
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

function writeRetrieved(
  simulator: Simulator,
  { listPath, parentId, id }: Route & { kind: 'retrieve' },
  out: TextWriter,
): void {
  const { store, events } = simulator;
  const object = endpoints.get(listPath)?.object ?? unlistedParents[listPath] ?? 'object';
  if (listPath === '/v1/accounts' && id === simulator.accountId) {
    simulator.writeAccount(out);
    return;
  }
  const stream = store.streams.get(listPath);
  const listing: Listing | undefined =
    listPath === '/v1/events'
      ? events
      : (stream ?? (parentId === undefined ? undefined : store.childList(listPath, parentId)));
  if (listing) {
    const rank = listing.rankOf(id);
    if (rank !== undefined) listing.write(rank, out);
    // Stripe goes on answering for a deleted customer, with hardly more than that it is deleted.
    else if (listPath === '/v1/customers' && stream?.wasDeleted(id))
      out.text(JSON.stringify({ id, object: 'customer', deleted: true }));
    else throw resourceMissing(object, id, 'id');
    return;
  }
  const child = store.childById(listPath, id);
  if (!child) throw resourceMissing(object, id, 'id');
  child.list.write(child.rank, out);
}
