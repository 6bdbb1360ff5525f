import { expect, it } from 'vitest';
import { objectKinds } from '../streams/object-kinds.ts';
import { builtInTable, type StripeStream } from '../streams/stream-table.ts';
import { readEvent } from './event.ts';
import { planEvents, routeEvents } from './plan-events.ts';

const told = [...builtInTable.streams.values()].filter(
  ({ events, parent, parentIdIn }) => events !== 'none' && (parent === undefined || parentIdIn !== undefined),
);

function tasksOf(stream: StripeStream, kind: string, type: string): number {
  const object = { id: 'x_1', object: kind, created: 5, date: 5, status: 'a', amount: 1 };
  const withParent = stream.parentIdIn === undefined ? object : { ...object, [stream.parentIdIn]: { id: 'y_1' } };
  const event = {
    id: 'evt_1',
    object: 'event',
    type,
    created: 9,
    api_version: builtInTable.apiVersion,
    data: { object: withParent },
  };
  const rules = { accountId: 'acct_1', apiVersion: builtInTable.apiVersion, revalidate: new Set<string>() };
  const routes = routeEvents(builtInTable, [stream.name]);
  const participants = new Map([[stream.name, {}]]);
  return planEvents([readEvent(Buffer.from(JSON.stringify(event)))], routes, participants, () => true, rules).length;
}

it.each(told.map((stream) => [stream.name, stream] as const))(
  'takes every event that tells of %s, whichever kind of object it carries',
  (_, stream) => {
    for (const type of stream.eventTypes) {
      for (const kind of objectKinds(stream)) expect(tasksOf(stream, kind, type), `${type} ${kind}`).toBe(1);
      expect(tasksOf(stream, 'another_kind', type), type).toBe(0);
    }
  },
);
