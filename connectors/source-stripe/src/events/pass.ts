/** How far one pass over the events has come. Pure. */
import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import type { StripeEvent } from './event.ts';
import { type EventMark, type EventPosition, type ReachedPosition, SEEN_MAX } from './position.ts';
import type { EventPage } from './read-event-pages.ts';

/** A pass over the events, page by page in the order of time. */
export interface EventPass extends ReachedPosition {
  /**
   * No position later than this can be reached: when a page ends with an event that is newer than what Stripe had surely
   * made visible, others may show late before it, where the pass doesn't come by again.
   */
  readonly ceiling: number;
  /** The last event that was met. */
  readonly last: EventMark | undefined;
}

/** What one page brings. */
export interface PassStep {
  readonly pass: EventPass;
  /** Events of the page that the pass has not met before and that lie before its end, oldest first. */
  readonly events: readonly StripeEvent[];
  readonly isEnd: boolean;
}

/** A pass that begins at a position. */
export function beginPass({ through, anchor }: EventPosition): EventPass {
  return {
    through,
    ...(anchor === undefined ? {} : { anchor }),
    seen: [],
    ceiling: Number.POSITIVE_INFINITY,
    last: undefined,
  };
}

function markOf({ id, created }: StripeEvent): EventMark {
  return { id, created };
}

/**
 * The pass after one more page.
 *
 * @param until events created in this second or later are not wanted, so the pass ends at the first one
 */
export function continuePass(pass: EventPass, page: EventPage, until: number): PassStep {
  const met = new Set(pass.seen.map(({ id }) => id));
  const events: StripeEvent[] = [];
  for (const event of page.events) {
    if (event.created >= until || met.has(event.id)) continue;
    met.add(event.id);
    events.push(event);
  }
  const last = page.events.at(-1);
  const isEnd = !page.hasMore || (last !== undefined && last.created >= until);
  const visible = page.date - VISIBILITY_MARGIN_S;
  const ceiling = last !== undefined && last.created >= visible ? Math.min(pass.ceiling, visible) : pass.ceiling;
  const reached = isEnd || last === undefined ? Math.min(visible, until) : last.created;
  const through = Math.max(pass.through, Math.min(reached, ceiling));
  const marks = events.map(markOf);
  const before = [...(pass.last === undefined ? [] : [pass.last]), ...marks].filter(({ created }) => created < through);
  // The one that the position names may have run out; the first page says which one was used.
  const anchor = before.at(-1)?.id ?? (pass.last === undefined ? page.after : pass.anchor);
  const seen = [...pass.seen, ...marks].filter(({ created }) => created >= through).slice(0, SEEN_MAX);
  return {
    pass: { through, ...(anchor === undefined ? {} : { anchor }), seen, ceiling, last: marks.at(-1) ?? pass.last },
    events,
    isEnd,
  };
}
