import { firstRankFrom } from '../distribution.ts';
import { type Listing, ranksDown, ranksUp } from '../store/listing.ts';
import type { TextWriter } from '../text-writer.ts';
import type { Filter } from './filters.ts';
import type { ListQuery } from './query.ts';
import { parametersExclusive, resourceMissing } from './stripe-error.ts';

/**
 * Writes one page of a v1 list, newest first.
 *
 * @param object `object` value of what is listed, for the message about an unknown cursor
 * @throws StripeError 400 `resource_missing` where the cursor is no object of the list (any more)
 * @returns how many objects are on it
 */
export function writePage(
  listing: Listing,
  object: string,
  query: ListQuery,
  filters: readonly Filter[],
  url: string,
  out: TextWriter,
): number {
  const createdAt = (rank: number) => listing.createdAt(rank);
  let low = Math.max(listing.floor(), ...filters.map((filter) => filter.lowest ?? 0));
  let high = listing.size();
  if (query.created) {
    low = Math.max(low, firstRankFrom(createdAt, high, query.created.gte));
    high = firstRankFrom(createdAt, high, query.created.lt);
  }
  let ranks: Iterable<number>;
  if (query.endingBefore !== undefined) {
    const cursor = cursorRank(listing, object, query.endingBefore, 'ending_before');
    ranks = ranksUp(listing, Math.max(low, cursor + 1), high);
  } else {
    const cursor =
      query.startingAfter === undefined ? high : cursorRank(listing, object, query.startingAfter, 'starting_after');
    ranks = ranksDown(listing, Math.min(high, cursor) - 1, low);
  }
  const found = take(ranks, query.limit + 1, all(filters));
  const hasMore = found.length > query.limit;
  if (hasMore) found.pop();
  if (query.endingBefore !== undefined) found.reverse();
  out.text('{"object":"list","data":[');
  writeObjects(listing, found, out);
  out.text(`],"has_more":${hasMore},"url":${JSON.stringify(url)}}`);
  return found.length;
}

function writeObjects(listing: Listing, ranks: readonly number[], out: TextWriter): void {
  for (const [i, rank] of ranks.entries()) {
    if (i > 0) out.text(',');
    listing.write(rank, out);
  }
}

function all(filters: readonly Filter[]): Filter {
  return (rank) => filters.every((filter) => filter(rank));
}

/** The first so many ranks that pass a filter. */
function take(ranks: Iterable<number>, count: number, filter: Filter): number[] {
  const found: number[] = [];
  for (const rank of ranks) {
    if (!filter(rank)) continue;
    found.push(rank);
    if (found.length >= count) break;
  }
  return found;
}

function cursorRank(listing: Listing, object: string, id: string, param: string): number {
  const rank = listing.rankOf(id);
  if (rank === undefined) throw resourceMissing(object, id, param, 400);
  return rank;
}

/**
 * Writes one page of a v2 list, in the list's own order, which is not that of `created`. The token says after which place
 * the page begins, or before which it ends.
 *
 * @throws StripeError 400 where the token is none of this API's
 * @returns how many objects are on it
 */
export function writePageV2(
  listing: Listing,
  query: ListQuery,
  filters: readonly Filter[],
  url: URL,
  out: TextWriter,
): number {
  const created = query.created;
  const inTime: Filter = (rank) =>
    created === undefined || (listing.createdAt(rank) >= created.gte && listing.createdAt(rank) < created.lt);
  const shown = all([inTime, ...filters]);
  const token = query.page === undefined ? { after: -1 } : readToken(query.page);
  const size = listing.size();
  const found =
    'after' in token
      ? take(ranksUp(listing, token.after + 1, size), query.limit, shown)
      : take(ranksDown(listing, token.before - 1, 0), query.limit, shown).reverse();
  const [first, last] = [found[0], found.at(-1)];
  const anyAfter = last !== undefined && take(ranksUp(listing, last + 1, size), 1, shown).length > 0;
  const anyBefore = first !== undefined && take(ranksUp(listing, 0, first), 1, shown).length > 0;
  const link = (name: 'after' | 'before', rank: number) => {
    const search = new URLSearchParams(url.search);
    search.set('page', `page_${Buffer.from(`${name}:${rank}`).toString('base64url')}`);
    return JSON.stringify(`${url.pathname}?${search}`);
  };
  out.text('{"data":[');
  writeObjects(listing, found, out);
  const [next, previous] = [anyAfter ? link('after', last) : null, anyBefore ? link('before', first) : null];
  out.text(`],"next_page_url":${next},"previous_page_url":${previous}}`);
  return found.length;
}

function readToken(token: string): { after: number } | { before: number } {
  const match = token.startsWith('page_')
    ? /^(after|before):(\d{1,15})$/.exec(Buffer.from(token.slice(5), 'base64url').toString())
    : null;
  if (!match) throw parametersExclusive(`Invalid page token: ${token}`);
  return match[1] === 'after' ? { after: Number(match[2]) } : { before: Number(match[2]) };
}
