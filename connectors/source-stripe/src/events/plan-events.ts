/** What is to be done about events: which streams they are for, and whether their snapshots will do. Pure. */
import { isKey, scanObject, skipValue } from '../pages/scan-json.ts';
import { objectKinds } from '../streams/object-kinds.ts';
import type { StreamTable, StripeStream } from '../streams/stream-table.ts';
import type { StripeEvent } from './event.ts';
import type { PositionLimit } from './position.ts';

/** What a stream wants of the events. */
export interface EventParticipant extends PositionLimit {
  /**
   * Objects that were created outside of it are not emitted, but when they are deleted; either bound may be open. Seconds
   * since 1970.
   */
  readonly created?: { readonly gte?: number; readonly lt?: number };
}

/** How events become records. */
export interface EventRules {
  /** Events that happened in another account are of no stream of ours. */
  readonly accountId: string;
  /** Snapshots of another version are not used. */
  readonly apiVersion: string;
  /** Kinds of objects of which no snapshot is used. */
  readonly revalidate: ReadonlySet<string>;
}

/** What is to be done about one event for one stream. */
export interface EventTask {
  readonly stream: StripeStream;
  readonly event: StripeEvent;
  readonly objectId: string;
  /** For a stream under a parent. */
  readonly parentId: string | undefined;
  /** `fetch`: ask for the object itself, in place of all events of it up to this one. */
  readonly action: 'snapshot' | 'deleted' | 'fetch';
  /** No other event of the page is about the same object and newer. */
  readonly isNewest: boolean;
}

/** An object of Stripe has more members than this; what has fewer is only a mention of one. */
export const PARTIAL_MEMBERS_MAX = 4;

/** Streams by the types of events that are for them. */
export type EventRoutes = ReadonlyMap<string, readonly StripeStream[]>;

/** Routes for those of these streams that events tell of. */
export function routeEvents(table: Pick<StreamTable, 'streams'>, names: Iterable<string>): EventRoutes {
  const routes = new Map<string, StripeStream[]>();
  for (const name of names) {
    const stream = table.streams.get(name);
    // The objects of a list under a parent can't be told apart without the parent's id.
    if (stream === undefined || stream.events === 'none' || (stream.parent && stream.parentIdIn === undefined))
      continue;
    for (const type of stream.eventTypes) routes.set(type, [...(routes.get(type) ?? []), stream]);
  }
  return routes;
}

/** The value of an object's member; undefined without one. */
function memberOf(bytes: Buffer, name: string): unknown {
  const key = Buffer.from(name);
  let value: unknown;
  scanObject(bytes, 0, (keyStart, keyEnd, valueStart) => {
    const valueEnd = skipValue(bytes, valueStart);
    if (isKey(bytes, keyStart, keyEnd, key)) value = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
    return valueEnd;
  });
  return value;
}

/** An id, or that of an object that stands in its place. */
function idOf(value: unknown): string | undefined {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : value;
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** When an object of a stream was created, by its own word; undefined where it doesn't say. */
export function createdOf(stream: StripeStream, object: Buffer): number | undefined {
  if (stream.created === null) return undefined;
  const created = memberOf(object, stream.created);
  return typeof created === 'number' ? created : undefined;
}

/** Whether a stream wants objects of this age. What doesn't say is wanted: a record too many does no harm. */
export function isWanted({ created: window }: EventParticipant, created: number | undefined): boolean {
  if (window === undefined || created === undefined) return true;
  return created >= (window.gte ?? Number.NEGATIVE_INFINITY) && created < (window.lt ?? Number.POSITIVE_INFINITY);
}

interface Candidate extends Omit<EventTask, 'action' | 'isNewest'> {
  readonly isGone: boolean;
  readonly needsFetch: boolean;
}

function candidateOf(
  event: StripeEvent,
  stream: StripeStream,
  participant: EventParticipant,
  rules: EventRules,
): Candidate | undefined {
  const { snapshot } = event;
  const isOfKind = stream.object === '' || snapshot.kind === undefined || objectKinds(stream).includes(snapshot.kind);
  if (!isOfKind || snapshot.id === undefined) return undefined;
  const created = createdOf(stream, snapshot.bytes);
  const isGone = stream.deletedBy.includes(event.type);
  // That an object is gone is told whenever it was made: an earlier run may have wanted it, and no list tells a later one.
  if (!isGone && !isWanted(participant, created)) return undefined;
  const parentId = stream.parentIdIn === undefined ? undefined : idOf(memberOf(snapshot.bytes, stream.parentIdIn));
  if (stream.parent !== undefined && parentId === undefined) return undefined;
  const isPartial = (stream.created !== null && created === undefined) || snapshot.memberCount <= PARTIAL_MEMBERS_MAX;
  const isUseless =
    isPartial || event.apiVersion !== rules.apiVersion || rules.revalidate.has(snapshot.kind ?? stream.object);
  const needsFetch = !isGone && isUseless;
  return { event, stream, objectId: snapshot.id, parentId, isGone, needsFetch };
}

/**
 * What to do about events, in their order. An object whose newest event here has a good snapshot, or says that it is gone,
 * is not asked for, whatever its older events are like.
 *
 * @param events oldest first
 * @param isUnapplied whether a stream doesn't have an event yet
 */
export function planEvents(
  events: readonly StripeEvent[],
  routes: EventRoutes,
  participants: ReadonlyMap<string, EventParticipant>,
  isUnapplied: (event: StripeEvent, stream: StripeStream) => boolean,
  rules: EventRules,
): EventTask[] {
  const candidates: Candidate[] = [];
  const newest = new Map<string, Candidate>();
  for (const event of events) {
    if (event.account !== undefined && event.account !== rules.accountId) continue;
    for (const stream of routes.get(event.type) ?? []) {
      const participant = participants.get(stream.name);
      if (participant === undefined || event.created >= (participant.until ?? Number.POSITIVE_INFINITY)) continue;
      if (!isUnapplied(event, stream)) continue;
      const candidate = candidateOf(event, stream, participant, rules);
      if (candidate === undefined) continue;
      candidates.push(candidate);
      newest.set(`${stream.name} ${candidate.parentId ?? ''} ${candidate.objectId}`, candidate);
    }
  }
  const newestOnes = new Set(newest.values());
  return candidates
    .filter((candidate) => !candidate.needsFetch || newestOnes.has(candidate))
    .map((candidate) => {
      const { isGone, needsFetch, ...rest } = candidate;
      const action = needsFetch ? 'fetch' : isGone ? 'deleted' : 'snapshot';
      return { ...rest, action, isNewest: newestOnes.has(candidate) };
    });
}
