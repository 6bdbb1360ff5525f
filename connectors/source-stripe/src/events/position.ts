/**
 * How far the events of an account were read, for each stream. Pure: everything here is a value, so a position that was
 * emitted can't move on behind its checkpoint (P1).
 */
import assert from 'node:assert/strict';

/** Everything before it was applied to a stream. Times are seconds since 1970, as events have them. */
export interface EventPosition {
  /** Every event that was created before this second is applied. Never later than what Stripe has surely made visible. */
  readonly through: number;
  /** The newest known event that was created before `through`: reading goes on right after it. Absent when none is known. */
  readonly anchor?: string;
  /**
   * Ids of events created in `through` or later that are applied already, in the order of the list, at most
   * {@link SEEN_MAX}. What is left out at their end is applied again.
   */
  readonly seen: readonly string[];
}

/** The positions of all streams. Most stand at the cursor; it is the latest one. */
export interface EventPositions {
  /** Absent when no stream has a position. */
  readonly cursor?: EventPosition;
  /** Streams that stand at the cursor. */
  readonly streams: ReadonlySet<string>;
  /** Streams that don't, each with its own position. Their `seen` is empty, since there may be many of them (P4). */
  readonly behind: ReadonlyMap<string, EventPosition>;
}

/** An event that was met, and when it was created. */
export interface EventMark {
  readonly id: string;
  readonly created: number;
}

/** How far a pass over the events came, with the time of each event that it met beyond. */
export interface ReachedPosition extends Omit<EventPosition, 'seen'> {
  readonly seen: readonly EventMark[];
}

/** What limits how far a stream moves. */
export interface PositionLimit {
  /** Events created in this second or later are not applied; absent for no limit. */
  readonly until?: number;
  /**
   * It doesn't get events of objects that were created later than what it is limited to. A later run may want them, and
   * lists only what was created before its position: so none of the events beyond that counts as applied.
   */
  readonly isPartial?: boolean;
}

/** Ids in `seen`, at most: about 30 KB of state. Ten seconds of most accounts have fewer events. */
export const SEEN_MAX = 1000;

/** How long Stripe keeps events, in seconds (API reference, Events: "going back up to 30 days"). */
export const EVENTS_KEPT_S = 30 * 24 * 60 * 60;
/** Room for the time that reading takes: what is at the edge now is gone when its page is asked for. */
const GAP_MARGIN_S = 60 * 60;

/** Where nothing was read yet. */
export const noPositions: EventPositions = { streams: new Set(), behind: new Map() };

/** The position of a stream; undefined when it has none. */
export function positionOf(positions: EventPositions, stream: string): EventPosition | undefined {
  return positions.streams.has(stream) ? positions.cursor : positions.behind.get(stream);
}

/** Whether events since the position may be gone, so that what they told must be read in other ways. @param now seconds */
export function hasGap(position: EventPosition, now: number): boolean {
  return position.through < now - EVENTS_KEPT_S + GAP_MARGIN_S;
}

/** The position of all events that there still are, but for those that will soon be gone. @param now seconds */
export function oldestPositionKept(now: number): EventPosition {
  return { through: now - EVENTS_KEPT_S + 2 * GAP_MARGIN_S, seen: [] };
}

/** The position from which to read for all of these streams; undefined when none of them has one. */
export function oldestPosition(positions: EventPositions, streams: Iterable<string>): EventPosition | undefined {
  let oldest: EventPosition | undefined;
  for (const stream of streams) {
    const position = positionOf(positions, stream);
    if (position === undefined) continue;
    const isOlder = oldest === undefined || position.through < oldest.through;
    // Of two at the same second, the one that says where to begin.
    const isBetter = position.through === oldest?.through && oldest.anchor === undefined;
    if (isOlder || isBetter) oldest = position;
  }
  return oldest;
}

/** Streams with their positions, in no particular order. */
function allOf(positions: EventPositions): Map<string, EventPosition> {
  const { cursor, streams, behind } = positions;
  const all = new Map(behind);
  if (cursor !== undefined) for (const stream of streams) all.set(stream, cursor);
  return all;
}

/** Of two that are equally far, the one that says where to begin is the later one. */
function isLater(a: EventPosition, b: EventPosition): boolean {
  if (a.through !== b.through) return a.through > b.through;
  if (a.seen.length !== b.seen.length) return a.seen.length > b.seen.length;
  return a.anchor !== undefined && b.anchor === undefined;
}

/** Whether the same events were applied. The anchor only says where to read. */
function isSame(a: EventPosition, b: EventPosition): boolean {
  return (
    a.through === b.through && a.seen.length === b.seen.length && new Set([...a.seen, ...b.seen]).size === a.seen.length
  );
}

function withoutSeen(position: EventPosition): EventPosition {
  return position.seen.length === 0 ? position : { ...position, seen: [] };
}

/** Sorts streams by whether they stand at the cursor: the latest of all positions, and never earlier than it was. */
export function arrangePositions(
  all: ReadonlyMap<string, EventPosition>,
  cursorBefore: EventPosition | undefined,
): EventPositions {
  let cursor = cursorBefore;
  for (const position of all.values()) if (cursor === undefined || isLater(position, cursor)) cursor = position;
  if (cursor === undefined) return noPositions;
  const streams = new Set<string>();
  const behind = new Map<string, EventPosition>();
  for (const [stream, position] of all) {
    if (isSame(position, cursor)) streams.add(stream);
    else behind.set(stream, withoutSeen(position));
  }
  return { cursor, streams, behind };
}

/**
 * Gives streams a position that they don't have yet: when their backfill begins. It may well be older than that: events
 * from before do no harm. What others have seen beyond the position is applied to them. A stream that is further already
 * stays where it is; one that is behind moves, which is right only when all that the events between told is read again.
 */
export function placeStreams(
  positions: EventPositions,
  streams: Iterable<string>,
  position: EventPosition,
): EventPositions {
  const all = allOf(positions);
  for (const stream of streams) {
    const known = all.get(stream);
    if (known === undefined || known.through < position.through) all.set(stream, withoutSeen(position));
  }
  return arrangePositions(all, positions.cursor);
}

/** Lets streams that have no position join those at the cursor. */
export function joinCursor(positions: EventPositions, streams: Iterable<string>): EventPositions {
  return positions.cursor === undefined ? positions : placeStreams(positions, streams, positions.cursor);
}

function moved(
  from: EventPosition,
  to: ReachedPosition,
  { until = Number.POSITIVE_INFINITY, isPartial }: PositionLimit,
): EventPosition {
  const through = Math.min(to.through, until);
  if (through < from.through) return from;
  // Whether the anchor lies before an earlier end is not known.
  const anchor = to.through <= until ? to.anchor : undefined;
  // What a stream didn't get must not count as seen. What it had seen before and this pass has not come to yet is left out:
  // it is applied again where an event before it showed late.
  const got = isPartial ? [] : to.seen.filter(({ created }) => created >= through && created < until);
  const seen = got.map(({ id }) => id);
  return { through, ...(anchor === undefined ? {} : { anchor }), seen: seen.slice(0, SEEN_MAX) };
}

/**
 * The positions after a pass over the events, which began no later than where any of its participants stood, came as far
 * as `to`. Participants move there, or to their own limit; nobody ever moves back. Other streams stay where they are.
 *
 * @param participants all of them have a position
 */
export function advancePositions(
  positions: EventPositions,
  participants: ReadonlyMap<string, PositionLimit>,
  to: ReachedPosition,
): EventPositions {
  const all = allOf(positions);
  for (const [stream, limit] of participants) {
    const from = all.get(stream);
    assert(from !== undefined, `the stream ${stream} has no position to move from`);
    all.set(stream, moved(from, to, limit));
  }
  return arrangePositions(all, positions.cursor);
}
