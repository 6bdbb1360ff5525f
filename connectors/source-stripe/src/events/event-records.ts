import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import { stampRecord } from '../pages/stamp-record.ts';
import type { StreamTable, StripeStream } from '../streams/stream-table.ts';
import { StripeResponseError } from '../stripe-error.ts';
import { fetchObject } from './fetch-object.ts';
import { createdOf, type EventParticipant, type EventRules, type EventTask, isWanted } from './plan-events.ts';
import type { EventReader } from './read-event-pages.ts';

/** What turning events into records needs. */
export interface EventContext extends EventRules {
  readonly client: EventReader;
  readonly table: Pick<StreamTable, 'streams'>;
  /** By the name of the stream. */
  readonly participants: ReadonlyMap<string, EventParticipant>;
  /** Completes the lists in an object that Stripe cut off; gives the whole object, on one line. */
  readonly complete?: (stream: StripeStream, object: Buffer, signal: AbortSignal) => Promise<Buffer>;
  readonly signal: AbortSignal;
}

/** What came of events. */
export interface EventRecords {
  /** By stream, in the order of the events. */
  readonly records: ReadonlyMap<string, readonly Buffer[]>;
  /** Streams whose records could not all be made, with the error; they have none here. */
  readonly failures: ReadonlyMap<string, unknown>;
}

/** Requests for objects under way at once; the rate limit holds for all of them. */
export const FETCHES_AT_ONCE = 8;
/** Objects remembered with the time for which they were fetched. */
export const FETCHED_MAX = 10_000;

/**
 * Objects that were asked for, with the second for which the answer was true: an event from before that second tells
 * nothing new. Remembers the last {@link FETCHED_MAX}.
 */
export class FetchedObjects {
  readonly #asOf = new Map<string, number>();

  /** Whether an answer that was emitted holds all that the event of the task tells. */
  covers({ stream, objectId, parentId, event }: EventTask): boolean {
    const asOf = this.#asOf.get(keyOf(stream.name, parentId, objectId));
    return asOf !== undefined && event.created < asOf;
  }

  add({ stream, objectId, parentId }: EventTask, asOf: number): void {
    const key = keyOf(stream.name, parentId, objectId);
    this.#asOf.delete(key);
    this.#asOf.set(key, asOf);
    const [oldest] = this.#asOf.keys();
    if (this.#asOf.size > FETCHED_MAX && oldest !== undefined) this.#asOf.delete(oldest);
  }
}

function keyOf(stream: string, parentId: string | undefined, id: string): string {
  return `${stream} ${parentId ?? ''} ${id}`;
}

/** The record of one task; undefined when the stream doesn't want it. */
async function recordOf(
  task: EventTask,
  context: EventContext,
  participant: EventParticipant,
  fetched: FetchedObjects,
): Promise<Buffer | undefined> {
  const { stream, event, objectId, parentId, action, isNewest } = task;
  const { client, accountId, complete, signal } = context;
  const stamp = { accountId, asOf: event.created, ...(parentId === undefined ? {} : { parentId }) };
  const { bytes } = event.snapshot;
  if (action === 'deleted') {
    // An object that only left its list can still be asked for, and an earlier event of it may have been answered with
    // how it is now. It never comes back, so that it is gone holds for the present as well.
    const hasLeft = !event.type.endsWith('.deleted');
    const asOf = hasLeft ? Math.max(event.created, client.now() - VISIBILITY_MARGIN_S) : event.created;
    return stampRecord(bytes, { ...stamp, asOf, isDeleted: true });
  }
  if (action === 'snapshot') {
    // The newest one follows within the page, and is the one that stays.
    const isLeft = complete === undefined || !isNewest;
    return stampRecord(isLeft ? bytes : await complete(stream, bytes, signal), stamp);
  }
  if (fetched.covers(task)) return undefined;
  const object = await fetchObject(client, stream, objectId, parentId, signal);
  const asOf = Math.max(event.created, object.asOf);
  fetched.add(task, object.asOf);
  if (object.kind === 'gone') return stampRecord(bytes, { ...stamp, asOf, isDeleted: true });
  if (!isWanted(participant, createdOf(stream, object.bytes))) return undefined;
  const whole = complete === undefined ? object.bytes : await complete(stream, object.bytes, signal);
  return stampRecord(whole, { ...stamp, asOf });
}

/** Whether the error is none of one stream: the run is stopped, or the key is refused. */
function isOfRun(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || (error instanceof StripeResponseError && error.status === 401);
}

/**
 * Carries tasks out, several at once.
 *
 * @param fetched is added to
 * @throws StripeResponseError with status 401, or the signal's reason when it is aborted
 */
export async function makeEventRecords(
  tasks: readonly EventTask[],
  context: EventContext,
  fetched: FetchedObjects,
): Promise<EventRecords> {
  const made: (Buffer | undefined)[] = [];
  const failures = new Map<string, unknown>();
  const queue = tasks.entries();
  let isStopped = false;
  const work = async (): Promise<void> => {
    for (const [i, task] of queue) {
      const { name } = task.stream;
      if (isStopped) return;
      if (failures.has(name)) continue;
      try {
        made[i] = await recordOf(task, context, context.participants.get(name) ?? {}, fetched);
      } catch (error) {
        isStopped = isOfRun(error, context.signal);
        if (isStopped) throw error;
        failures.set(name, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(FETCHES_AT_ONCE, tasks.length) }, work));
  const records = new Map<string, Buffer[]>();
  for (const [i, { stream }] of tasks.entries()) {
    const record = made[i];
    if (record === undefined || failures.has(stream.name)) continue;
    records.set(stream.name, [...(records.get(stream.name) ?? []), record]);
  }
  return { records, failures };
}
