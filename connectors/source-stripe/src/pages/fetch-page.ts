import type { BufferPool } from '@penstock/connector-sdk';
import { type NextStep, type PageEnd, stepAfterLostCursor, stepAfterPage } from '../ranges/advance.ts';
import type { Range } from '../ranges/range.ts';
import type { Permit } from '../rate-limit.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import { StripeResponseError } from '../stripe-error.ts';
import { type ListPage, readListPage } from './list-page.ts';

/**
 * How long Stripe may take until everything that was written is in its lists, in seconds. Nothing later than its clock
 * less this is accounted for, and no page is taken for truer than that.
 */
export const VISIBILITY_MARGIN_S = 10;

/** What was fetched for a range, and how it goes on. */
export interface FetchedPage {
  readonly step: NextStep;
  /** Undefined where Stripe no longer knew the object under the cursor; `step` then goes on without it. */
  readonly page: ListPage | undefined;
  /** A second for which the page is surely true. */
  readonly asOf: number;
}

/** What is asked for. */
export interface PageRequest {
  readonly list: StripeStream;
  readonly range: Range;
  /** Objects at most; null for lists that don't take a limit. */
  readonly limit: number | null;
  readonly permit?: Permit;
  /** Has the memory of the page, to be given back when its records are written. */
  readonly pool?: BufferPool;
}

/** The path, with its query, of the next page of a range. */
export function pagePath({ list, range, limit }: PageRequest): string {
  // The token of a v2 list stands for the whole query.
  if (list.paging === 'page' && range.cursor !== undefined) return `${list.path}?${range.cursor.after}`;
  const query = new URLSearchParams(range.query);
  if (limit !== null) query.set('limit', String(limit));
  if (list.created !== null) {
    query.set('created[gte]', String(range.gte));
    query.set('created[lt]', String(range.lt));
  }
  if (list.paging === 'starting_after' && range.cursor !== undefined) query.set('starting_after', range.cursor.after);
  return query.size === 0 ? list.path : `${list.path}?${query}`;
}

/** A page token can expire; Stripe then refuses it with a 400, and the list has to be read from its beginning. */
function isCursorLost(error: unknown, { list, range }: PageRequest): boolean {
  if (!(error instanceof StripeResponseError) || range.cursor === undefined) return false;
  return list.paging === 'page' ? error.status === 400 : error.isCursorLost;
}

/** A cursor that doesn't move would be followed for ever. */
function assertMoved(end: PageEnd, { list, range }: PageRequest): void {
  if (end.hasMore && end.next === range.cursor?.after) {
    throw new Error(`${list.path} answered the same page again, at ${end.next}.`);
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
  request: PageRequest,
  signal: AbortSignal,
): Promise<FetchedPage> {
  const { list, range, permit, pool } = request;
  const asOfNow = (date = client.now()): number => date - VISIBILITY_MARGIN_S;
  try {
    const { body, date } = await client.get(pagePath(request), signal, { permit, pool });
    const asOf = asOfNow(date);
    const page = readListPage(body, list, { accountId, asOf }, pool);
    pool?.giveBack(body);
    assertMoved(page, request);
    return { step: stepAfterPage(range, page), page, asOf };
  } catch (error) {
    if (!isCursorLost(error, request)) throw error;
    return { step: stepAfterLostCursor(range), page: undefined, asOf: asOfNow() };
  }
}
