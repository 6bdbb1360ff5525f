import { ConnectorError } from '@penstock/connector-sdk';
import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import type { StripeReader } from '../stripe-client.ts';
import { StripeResponseError } from '../stripe-error.ts';
import { readEventListPage, type StripeEvent } from './event.ts';
import type { EventPosition } from './position.ts';

/** What reading events needs of a client. */
export type EventReader = Pick<StripeReader, 'get' | 'now'>;

/** Some events that follow each other, in the order of time. */
export interface EventPage {
  /** Oldest first. */
  readonly events: readonly StripeEvent[];
  /** Stripe's time when these events were what there was, in seconds since 1970. */
  readonly date: number;
  /** Whether there were newer ones. */
  readonly hasMore: boolean;
  /** The event after which the page begins; undefined when it begins with the oldest one there is. */
  readonly after: string | undefined;
}

/** Events a page, the most that Stripe gives. */
export const EVENTS_PER_PAGE = 100;
/** Pages that are kept while the oldest event is looked for: what a few hundred objects a page need of memory (P4). */
export const PAGES_KEPT_MAX = 50;
/** How often the event under the cursor may be gone in one pass. Each time, reading goes on by time. */
export const LOST_ANCHORS_MAX = 5;

async function fetchEvents(
  client: EventReader,
  query: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<{ newestFirst: readonly StripeEvent[]; hasMore: boolean; date: number }> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) search.set(name, String(value));
  const { body, date } = await client.get(`/v1/events?${search}`, signal);
  const { events, hasMore } = readEventListPage(body);
  return { newestFirst: events, hasMore, date: date ?? client.now() };
}

/** Stripe answers so when the event under a cursor has run out. */
function isAnchorLost(error: unknown): boolean {
  if (!(error instanceof StripeResponseError) || error.code !== 'resource_missing') return false;
  return error.status === 400 || error.status === 404;
}

/** The newest event that was created before a second; undefined when there is none any more. */
async function findAnchor(client: EventReader, before: number, signal: AbortSignal): Promise<string | undefined> {
  const { newestFirst } = await fetchEvents(client, { 'created[lt]': before, limit: 1 }, signal);
  return newestFirst[0]?.id;
}

/**
 * The oldest events there are since a second, oldest first. The list can't be begun at its old end, so it is walked
 * down to there; of a long one the newest pages are let go on the way, and read once more when it is their turn.
 */
async function* readOldestPages(client: EventReader, since: number, signal: AbortSignal): AsyncGenerator<EventPage> {
  const kept: StripeEvent[][] = [];
  let date: number | undefined;
  let cursor: { starting_after?: string } = {};
  for (;;) {
    const query = { 'created[gte]': since, ...cursor, limit: EVENTS_PER_PAGE };
    const page = await fetchEvents(client, query, signal).catch((error: unknown) => {
      // Older ones have then run out as well.
      if (cursor.starting_after !== undefined && isAnchorLost(error)) return undefined;
      throw error;
    });
    if (page === undefined) break;
    // That of the first page: an event that shows late, above where the walk already is, is missed by all of it.
    date ??= page.date;
    if (page.newestFirst.length > 0) kept.push(page.newestFirst.toReversed());
    if (kept.length > PAGES_KEPT_MAX) kept.shift();
    const last = page.newestFirst.at(-1);
    if (!page.hasMore || last === undefined) break;
    cursor = { starting_after: last.id };
  }
  if (date === undefined) return;
  if (kept.length === 0) yield { events: [], date, hasMore: false, after: undefined };
  for (let after: string | undefined; kept.length > 0; ) {
    const events = kept.pop() as StripeEvent[];
    yield { events, date, hasMore: true, after };
    after = events.at(-1)?.id;
  }
}

/**
 * Reads events from a position to the present, in the order of time: each page is the one right after the last event that
 * is known. One page is held at a time. Takes a request a page, and up to two more: where no event before the position is
 * known any more, to find where to begin, and, where there is none, to see what came meanwhile. Events of the second at
 * which a lost cursor stood come once more.
 *
 * @throws StripeResponseError, ConnectorError, or the signal's reason when it is aborted
 */
export async function* readEventPages(
  client: EventReader,
  position: Pick<EventPosition, 'through' | 'anchor'>,
  signal: AbortSignal,
): AsyncGenerator<EventPage, void, undefined> {
  let { through, anchor } = position;
  for (let lostCount = 0; ; ) {
    anchor ??= await findAnchor(client, through, signal);
    if (anchor === undefined) {
      for await (const page of readOldestPages(client, through, signal)) {
        yield page;
        if (!page.hasMore) return;
        anchor = page.events.at(-1)?.id;
      }
    }
    try {
      for (;;) {
        const query = { ending_before: anchor as string, limit: EVENTS_PER_PAGE };
        const { newestFirst, hasMore, date } = await fetchEvents(client, query, signal);
        const events = newestFirst.toReversed();
        yield { events, date, hasMore, after: anchor };
        if (!hasMore) return;
        const last = events.at(-1) as StripeEvent;
        if (last.id === anchor) throw new Error(`/v1/events answered the same page again, before ${anchor}.`);
        through = Math.max(through, last.created);
        anchor = last.id;
      }
    } catch (error) {
      if (!isAnchorLost(error)) throw error;
      lostCount++;
      if (lostCount > LOST_ANCHORS_MAX) {
        const message = `/v1/events no longer knew the event it had just shown, ${lostCount} times in a row.`;
        throw new ConnectorError('upstream_failed', { message, cause: error });
      }
      anchor = undefined;
    }
  }
}

/**
 * The position at which a first run begins: the present, less the time until everything shows. One request.
 *
 * @throws StripeResponseError, ConnectorError, or the signal's reason when it is aborted
 */
export async function notePosition(client: EventReader, signal: AbortSignal): Promise<EventPosition> {
  const before = client.now() - VISIBILITY_MARGIN_S;
  const { newestFirst, date } = await fetchEvents(client, { 'created[lt]': before, limit: 1 }, signal);
  // Our own clock, before the first answer, may be ahead of Stripe's.
  const through = Math.min(before, date - VISIBILITY_MARGIN_S);
  const newest = newestFirst[0];
  return { through, ...(newest !== undefined && newest.created < through ? { anchor: newest.id } : {}), seen: [] };
}
