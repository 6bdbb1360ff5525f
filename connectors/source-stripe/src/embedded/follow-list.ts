import { ConnectorError } from '@penstock/connector-sdk';
import { StripeResponseError } from '../stripe-error.ts';

/** Objects a page, the most that Stripe gives. */
export const PAGE_LIMIT = 100;
/** How often one list may be begun again because the object under its cursor was deleted. */
export const LOST_CURSORS_MAX = 5;

/** A list under an object. */
export interface ListUnder {
  /** With the id of the object in it, and maybe with a query. */
  readonly path: string;
  /** Whether its cursors are tokens of Stripe, each of which stands for a whole query. */
  readonly isTokenPaged: boolean;
  /** Objects a page; null where it can't be asked for. */
  readonly limit: number | null;
}

/** What can be followed of a page: the cursor of the next one; undefined on the last. */
export interface FollowedPage {
  readonly next?: string | undefined;
}

/** A page, or that the list is gone together with its object: then nothing follows. */
export type ListStep<Page> =
  /** `isFirst`: the list was begun, once more perhaps, and the pages before this one don't count. */
  { readonly kind: 'page'; readonly page: Page; readonly isFirst: boolean } | { readonly kind: 'gone' };

/** Puts an id into a path. @param template with `{id}` for it */
export function pathUnder(template: string, id: string): string {
  // A text with half a surrogate pair can't be encoded, and is no id that Stripe knows.
  return template.replaceAll('{id}', () => encodeURIComponent(id.toWellFormed()));
}

/** The request for a page of a list. @param after its cursor; undefined for the first page */
export function requestPath({ path, isTokenPaged, limit }: ListUnder, after: string | undefined): string {
  if (isTokenPaged && after !== undefined) return `${path.replace(/\?.*/s, '')}?${after}`;
  const query = new URLSearchParams();
  if (limit !== null) query.set('limit', String(limit));
  if (after !== undefined) query.set('starting_after', after);
  if (query.size === 0) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

function isCursorLost(error: StripeResponseError, isTokenPaged: boolean): boolean {
  return isTokenPaged ? error.status === 400 : error.isCursorLost;
}

/**
 * Whether Stripe says that the object no longer exists. A 404 without this code means something else: a path that this
 * version of the API doesn't have, or a proxy that answers.
 */
function isGone(error: StripeResponseError): boolean {
  return (error.status === 404 || error.status === 400) && error.code === 'resource_missing';
}

/**
 * The pages of a list under an object, from a cursor on. Where the object under a cursor was deleted meanwhile, the list
 * is read from its beginning.
 *
 * @param after the cursor to begin at; undefined for the beginning
 * @param fetch gets the path with its query
 * @throws what `fetch` throws; ConnectorError `response_invalid` when the list doesn't move, `upstream_failed` when it
 * loses its cursors again and again
 */
export async function* followList<Page extends FollowedPage>(
  list: ListUnder,
  after: string | undefined,
  fetch: (path: string) => Promise<Page>,
): AsyncGenerator<ListStep<Page>, void, undefined> {
  let cursor = after;
  let lostCount = 0;
  for (;;) {
    let page: Page;
    try {
      page = await fetch(requestPath(list, cursor));
    } catch (error) {
      if (!(error instanceof StripeResponseError)) throw error;
      if (cursor !== undefined && isCursorLost(error, list.isTokenPaged)) {
        lostCount++;
        if (lostCount > LOST_CURSORS_MAX) throw lostTooOften(list.path, error);
        cursor = undefined;
        continue;
      }
      if (!isGone(error)) throw error;
      yield { kind: 'gone' };
      return;
    }
    const { next } = page;
    if (next !== undefined && next === cursor) throw notMoving(list.path, next);
    yield { kind: 'page', page, isFirst: cursor === undefined };
    if (next === undefined) return;
    cursor = next;
  }
}

function lostTooOften(path: string, cause: StripeResponseError): ConnectorError {
  const message = `GET ${path} refused ${LOST_CURSORS_MAX + 1} times to go on where a page had ended.`;
  return new ConnectorError('upstream_failed', { message, cause });
}

function notMoving(path: string, cursor: string): ConnectorError {
  const message = `GET ${path} answered with the page that ends at ${JSON.stringify(cursor)} again.`;
  return new ConnectorError('response_invalid', { message });
}
