import assert from 'node:assert/strict';
import type { ConnectorLog } from '@penstock/connector-sdk';
import type { StripeStream } from '../streams/stream-table.ts';
import type { StripeEvent } from './event.ts';
import { type EventContext, type EventRecords, FetchedObjects, makeEventRecords } from './event-records.ts';
import { beginPass, continuePass, type EventPass } from './pass.ts';
import { planEvents, routeEvents } from './plan-events.ts';
import { advancePositions, type EventPosition, type EventPositions, oldestPosition, positionOf } from './position.ts';
import { type EventPage, readEventPages } from './read-event-pages.ts';
import { UnappliedEvents } from './unapplied-events.ts';

/** What {@link replayEvents} needs. */
export interface ReplayOptions extends EventContext {
  /** Every participant has one. */
  readonly positions: EventPositions;
  readonly log: ConnectorLog;
}

/** What came of one page of events. */
export interface ReplayStep extends EventRecords {
  /** Hold once the records of this step and of those before it are emitted (P1). */
  readonly positions: EventPositions;
  /** Every event created before this second was read, in seconds since 1970. */
  readonly through: number;
  /** The last step: the events were read to their end, or to the latest `until` of the participants. */
  readonly isEnd: boolean;
}

/** Where each stream stood when the pass began: a stream must not get again what it already had then. */
class StartingPoints {
  readonly #ofStream = new Map<string, EventPosition>();
  readonly #unapplied = new Map<EventPosition, UnappliedEvents>();

  /** @param begin the position that the pass begins at @param firstPage of the pass */
  constructor(positions: EventPositions, streams: Iterable<string>, begin: EventPosition, firstPage: EventPage) {
    const isContinued = begin.anchor !== undefined && begin.anchor === firstPage.after;
    for (const stream of streams) {
      const from = positionOf(positions, stream);
      if (from === undefined) continue;
      this.#ofStream.set(stream, from);
      if (this.#unapplied.has(from)) continue;
      const isHere = isContinued && from.through === begin.through && from.anchor === begin.anchor;
      this.#unapplied.set(from, new UnappliedEvents(from, isHere));
    }
  }

  /** Called once for each page, in order. */
  unappliedOf(events: readonly StripeEvent[]): (event: StripeEvent, stream: StripeStream) => boolean {
    const byPosition = new Map([...this.#unapplied].map(([from, unapplied]) => [from, unapplied.ofPage(events)]));
    return (event, { name }) => byPosition.get(this.#ofStream.get(name) as EventPosition)?.has(event) === true;
  }
}

/**
 * Reads events from the oldest position of the participants on and turns them into records, a step a page. Each stream gets
 * every event since its own position, at least once, in the order of time, unless an object that was fetched later tells
 * the same. A stream for which an object could not be fetched takes no further part and keeps its position.
 *
 * @throws StripeResponseError or ConnectorError when the events themselves can't be read or the key is refused, and the
 * signal's reason when it is aborted
 */
export async function* replayEvents(options: ReplayOptions): AsyncGenerator<ReplayStep, void, undefined> {
  const { client, table, participants, signal, log } = options;
  let { positions } = options;
  const active = new Map(participants);
  for (const [stream, { until = Number.POSITIVE_INFINITY }] of participants) {
    const from = positionOf(positions, stream);
    assert(from !== undefined, `the stream ${stream} has no position to read events from`);
    if (from.through >= until) active.delete(stream);
  }
  const begin = oldestPosition(positions, active.keys());
  if (begin === undefined) {
    const through = oldestPosition(positions, participants.keys())?.through ?? positions.cursor?.through ?? 0;
    yield { records: new Map(), failures: new Map(), positions, through, isEnd: true };
    return;
  }
  const routes = routeEvents(table, active.keys());
  const until = Math.max(...[...active.values()].map((participant) => participant.until ?? Number.POSITIVE_INFINITY));
  const fetched = new FetchedObjects();
  let pass: EventPass = beginPass(begin);
  let starts: StartingPoints | undefined;
  let isDone = false;
  for await (const page of readEventPages(client, begin, signal)) {
    starts ??= new StartingPoints(positions, active.keys(), begin, page);
    const step = continuePass(pass, page, until);
    pass = step.pass;
    const isUnapplied = starts.unappliedOf(step.events);
    const tasks = planEvents(step.events, routes, active, isUnapplied, options);
    const { records, failures } = await makeEventRecords(tasks, options, fetched);
    for (const stream of failures.keys()) active.delete(stream);
    positions = advancePositions(positions, active, pass);
    isDone = step.isEnd || active.size === 0;
    log.debug(`${page.events.length} events were read, of which ${tasks.length} are applied.`);
    yield { records, failures, positions, through: pass.through, isEnd: isDone };
    if (isDone) return;
  }
  assert(isDone, 'the events ended without a last page');
}
