import { type ReplayOptions, type ReplayStep, replayEvents } from '../events/replay-events.ts';
import { type eventStream, eventTable } from './event-streams.ts';
import { FAKE_API_VERSION, type FakeEvent, type FakeEvents } from './fake-events.ts';
import { quietLog } from './read-source.ts';

/** A signal that is never aborted. */
export const neverAborted: AbortSignal = new AbortController().signal;

/** What a replay needs, of these streams. */
export function replayOptions(
  client: FakeEvents,
  streams: readonly ReturnType<typeof eventStream>[],
  more: Pick<ReplayOptions, 'positions'> & Partial<ReplayOptions>,
): ReplayOptions {
  return {
    client,
    table: eventTable(...streams),
    participants: new Map(streams.map(({ name }) => [name, {}])),
    accountId: 'acct_1',
    apiVersion: FAKE_API_VERSION,
    revalidate: new Set(),
    log: quietLog,
    signal: neverAborted,
    ...more,
  };
}

/** Every step of a replay. */
export async function replaySteps(options: ReplayOptions): Promise<ReplayStep[]> {
  const steps: ReplayStep[] = [];
  for await (const step of replayEvents(options)) steps.push(step);
  return steps;
}

/** Records of a stream over all steps, parsed. */
export function recordsIn(steps: readonly Pick<ReplayStep, 'records'>[], stream: string): Record<string, unknown>[] {
  return steps.flatMap(({ records }) => (records.get(stream) ?? []).map((record) => JSON.parse(record.toString())));
}

/** An event about a widget, whose `note` is the id of the event. */
export function widgetEvent(id: string, created: number, more: Partial<FakeEvent> = {}): FakeEvent {
  const object = { id: 'w_1', object: 'widget', created: 50, note: id, size: 1 };
  return { id, created, type: 'widget.updated', object, ...more };
}
