import { firstRankFrom } from '../distribution.ts';
import type { Listing } from '../store/listing.ts';
import type { Filter } from './filters.ts';
import type { ListQuery } from './query.ts';
import { parametersExclusive, resourceMissing } from './stripe-error.ts';

/**
 * One page of a v1 list, newest first.
 *
 * @param object `object` value of what is listed, for the message about an unknown cursor
 * @throws StripeError 400 `resource_missing` where the cursor is no object of the list (any more)
 */
export function listPage(
  listing: Listing,
  object: string,
  query: ListQuery,
  filters: readonly Filter[],
  url: string,
): string {
  const createdAt = (rank: number) => listing.createdAt(rank);
  let low = listing.floor();
  let high = listing.size();
  if (query.created) {
    low = Math.max(low, firstRankFrom(createdAt, high, query.created.gte));
    high = firstRankFrom(createdAt, high, query.created.lt);
  }
  const shown: Filter = (rank) => listing.isLive(rank) && filters.every((filter) => filter(rank));
  const found: number[] = [];
  if (query.endingBefore !== undefined) {
    const cursor = cursorRank(listing, object, query.endingBefore, 'ending_before');
    for (let rank = Math.max(low, cursor + 1); rank < high && found.length <= query.limit; rank++)
      if (shown(rank)) found.push(rank);
  } else {
    const cursor =
      query.startingAfter === undefined ? high : cursorRank(listing, object, query.startingAfter, 'starting_after');
    for (let rank = Math.min(high, cursor) - 1; rank >= low && found.length <= query.limit; rank--)
      if (shown(rank)) found.push(rank);
  }
  const hasMore = found.length > query.limit;
  if (hasMore) found.pop();
  if (query.endingBefore !== undefined) found.reverse();
  let data = '';
  for (const rank of found) data += (data === '' ? '' : ',') + listing.render(rank);
  return `{"object":"list","data":[${data}],"has_more":${hasMore},"url":${JSON.stringify(url)}}`;
}

function cursorRank(listing: Listing, object: string, id: string, param: string): number {
  const rank = listing.rankOf(id);
  if (rank === undefined) throw resourceMissing(object, id, param, 400);
  return rank;
}

/**
 * One page of a v2 list, in the list's own order, which is not that of `created`. The token says after which place the
 * page begins, or before which it ends.
 *
 * @throws StripeError 400 where the token is none of this API's
 */
export function listPageV2(listing: Listing, query: ListQuery, filters: readonly Filter[], url: URL): string {
  const created = query.created;
  const inTime: Filter = (rank) =>
    created === undefined || (listing.createdAt(rank) >= created.gte && listing.createdAt(rank) < created.lt);
  const shown: Filter = (rank) => listing.isLive(rank) && inTime(rank) && filters.every((filter) => filter(rank));
  const token = query.page === undefined ? { after: -1 } : readToken(query.page);
  const found: number[] = [];
  if ('after' in token) {
    for (let rank = token.after + 1; rank < listing.size() && found.length < query.limit; rank++)
      if (shown(rank)) found.push(rank);
  } else {
    for (let rank = token.before - 1; rank >= 0 && found.length < query.limit; rank--)
      if (shown(rank)) found.push(rank);
    found.reverse();
  }
  const [first, last] = [found[0], found.at(-1)];
  const anyAfter = last !== undefined && some(last + 1, listing.size(), shown);
  const anyBefore = first !== undefined && some(0, first, shown);
  const link = (name: 'after' | 'before', rank: number) => {
    const search = new URLSearchParams(url.search);
    search.set('page', `page_${Buffer.from(`${name}:${rank}`).toString('base64url')}`);
    return JSON.stringify(`${url.pathname}?${search}`);
  };
  const data = found.map((rank) => listing.render(rank)).join(',');
  return `{"data":[${data}],"next_page_url":${anyAfter ? link('after', last) : null},"previous_page_url":${anyBefore ? link('before', first) : null}}`;
}

function some(from: number, to: number, filter: Filter): boolean {
  for (let rank = from; rank < to; rank++) if (filter(rank)) return true;
  return false;
}

function readToken(token: string): { after: number } | { before: number } {
  const match = token.startsWith('page_')
    ? /^(after|before):(\d{1,15})$/.exec(Buffer.from(token.slice(5), 'base64url').toString())
    : null;
  if (!match) throw parametersExclusive(`Invalid page token: ${token}`);
  return match[1] === 'after' ? { after: Number(match[2]) } : { before: Number(match[2]) };
}
