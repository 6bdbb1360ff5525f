import { type PageEnd, rangeAfterLostCursor, rangeAfterPage } from '../ranges/advance.ts';
import type { Range } from '../ranges/range.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import { StripeResponseError } from '../stripe-error.ts';
import { type ListPage, readListPage } from './list-page.ts';

/**
 * How long Stripe may take until everything that was written is in its lists, in seconds. Nothing later than its clock
 * less this is accounted for, and no page is taken for truer than that.
 */
export const VISIBILITY_MARGIN_S = 10;

/** What was fetched for a range, and what is then left of it. */
export interface FetchedPage {
  readonly range: Range;
  readonly next: Range | undefined;
  /** Undefined where Stripe no longer knew the object under the cursor; `next` then goes on without it. */
  readonly page: ListPage | undefined;
}

/** The request for the next page of a range. @param limit objects at most; for lists that take one */
export function pagePath(stream: StripeStream, range: Range, limit: number | null): string {
  // The token of a v2 list stands for the whole query.
  if (stream.paging === 'page' && range.cursor !== undefined) return `${stream.path}?${range.cursor.after}`;
  const query = new URLSearchParams(range.query);
  if (limit !== null) query.set('limit', String(limit));
  if (stream.created !== null) {
    query.set('created[gte]', String(range.gte));
    query.set('created[lt]', String(range.lt));
  }
  if (stream.paging === 'starting_after' && range.cursor !== undefined) query.set('starting_after', range.cursor.after);
  return query.size === 0 ? stream.path : `${stream.path}?${query}`;
}

/** A page token can expire; Stripe then refuses it with a 400, and the list has to be read from its beginning. */
function isCursorLost(error: unknown, stream: StripeStream, range: Range): boolean {
  if (!(error instanceof StripeResponseError) || range.cursor === undefined) return false;
  return stream.paging === 'page' ? error.status === 400 : error.isCursorLost;
}

/** A cursor that doesn't move would be followed for ever. */
function assertMoved(range: Range, end: PageEnd, stream: StripeStream): void {
  if (end.hasMore && end.next === range.cursor?.after) {
    throw new Error(`${stream.path} answered the same page again, at ${end.next}.`);
  }
}

/**
 * Fetches the next page of a range.
 *
 * @throws StripeResponseError, ConnectorError, or the signal's reason when it is aborted
 */
export async function fetchPage(
  client: StripeReader,
  accountId: string,
  stream: StripeStream,
  range: Range,
  limit: number | null,
  signal: AbortSignal,
): Promise<FetchedPage> {
  try {
    const { body, date } = await client.get(pagePath(stream, range, limit), signal);
    const page = readListPage(body, stream, { accountId, asOf: (date ?? client.now()) - VISIBILITY_MARGIN_S });
    assertMoved(range, page, stream);
    return { range, next: rangeAfterPage(range, page), page };
  } catch (error) {
    if (!isCursorLost(error, stream, range)) throw error;
    return { range, next: rangeAfterLostCursor(range), page: undefined };
  }
}
