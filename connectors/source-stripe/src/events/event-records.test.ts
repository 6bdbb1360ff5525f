import { describe, expect, it } from 'vitest';
import { eventStream } from '../testing/event-streams.ts';
import { recordsIn, replayOptions, replaySteps, widgetEvent } from '../testing/event-world.ts';
import { type FakeEvent, FakeEvents } from '../testing/fake-events.ts';
import { FETCHES_AT_ONCE } from './event-records.ts';
import { noPositions, placeStreams, positionOf } from './position.ts';
import type { ReplayOptions } from './replay-events.ts';

const widgets = eventStream('widgets');
const gadgets = eventStream('gadgets');
const positions = placeStreams(noPositions, ['widgets', 'gadgets'], { through: 95, anchor: 'e0', seen: [] });
const current = { id: 'w_1', object: 'widget', created: 50, note: 'now', size: 2 };
const own = { _account_id: 'acct_1' };

function fakeWith(...events: readonly FakeEvent[]): FakeEvents {
  const client = new FakeEvents(1000);
  client.add(widgetEvent('e0', 90), ...events);
  client.objects.set('/v1/widgets/w_1', current);
  return client;
}

const replay = (client: FakeEvents, more: Partial<ReplayOptions> = {}) =>
  replaySteps(replayOptions(client, [widgets, gadgets], { positions, ...more }));

const fetches = (client: FakeEvents) => client.requests.filter((path) => !path.startsWith('/v1/events'));

describe('objects that are fetched again', () => {
  it.each([
    ['whose snapshot is of another version', { apiVersion: '2019-01-01' }, {}],
    ['whose version is not said', { apiVersion: null }, {}],
    [
      'whose snapshot does not say when it was created',
      { object: { id: 'w_1', object: 'widget', a: 1, b: 2, c: 3 } },
      {},
    ],
    ['whose snapshot is but a mention', { object: { id: 'w_1', object: 'widget', created: 50, a: 1 } }, {}],
    ['of a kind that is always fetched', {}, { revalidate: new Set(['widget']) }],
  ])('are those %s, with the time for which the answer is surely true', async (_, event, options) => {
    const client = fakeWith(widgetEvent('e1', 100, event));
    const steps = await replay(client, options);
    expect(recordsIn(steps, 'widgets')).toEqual([{ ...current, ...own, _as_of: 990 }]);
    expect(fetches(client)).toEqual(['/v1/widgets/w_1']);
  });

  it('are no others', async () => {
    const client = fakeWith(
      widgetEvent('e1', 100),
      widgetEvent('e2', 101, { type: 'widget.deleted', apiVersion: 'other' }),
    );
    await replay(client, { revalidate: new Set(['gadget']) });
    expect(fetches(client)).toEqual([]);
  });

  it('are asked for once for all their events, over all pages, but for those that may tell more', async () => {
    const old = Array.from({ length: 250 }, (_, i) => widgetEvent(`e${i + 1}`, 100 + i, { apiVersion: 'other' }));
    const client = fakeWith(...old, widgetEvent('fresh', 995, { apiVersion: 'other' }));
    const steps = await replay(client);
    // The last page holds an event of the time that the first answer was not surely true for.
    expect(fetches(client)).toHaveLength(2);
    expect(recordsIn(steps, 'widgets').map(({ _as_of }) => _as_of)).toEqual([990, 995]);
  });

  it('leave the time of an event that is newer than what the answer is surely true for', async () => {
    const client = fakeWith(widgetEvent('e1', 997, { apiVersion: 'other' }));
    expect(recordsIn(await replay(client), 'widgets')).toMatchObject([{ note: 'now', _as_of: 997 }]);
  });

  it('are not asked for when a newer event in the page has a good snapshot, or says that they are gone', async () => {
    for (const last of [widgetEvent('e2', 101), widgetEvent('e2', 101, { type: 'widget.deleted' })]) {
      const client = fakeWith(widgetEvent('e1', 100, { apiVersion: 'other' }), last);
      expect(recordsIn(await replay(client), 'widgets')).toMatchObject([{ note: 'e2' }]);
      expect(fetches(client)).toEqual([]);
    }
  });

  it.each([
    ['Stripe knows them no more', undefined],
    ['Stripe says that they are deleted', { id: 'w_1', object: 'widget', deleted: true }],
  ])('are gone when %s', async (_, object) => {
    const client = fakeWith(widgetEvent('e1', 100, { apiVersion: 'other' }));
    if (object === undefined) client.objects.clear();
    else client.objects.set('/v1/widgets/w_1', object);
    expect(recordsIn(await replay(client), 'widgets')).toEqual([
      { id: 'w_1', object: 'widget', created: 50, note: 'e1', size: 1, deleted: true, ...own, _as_of: 990 },
    ]);
  });

  it('stay gone when they only left their list, though they can still be asked for', async () => {
    const leaving = eventStream('widgets', {
      eventTypes: ['widget.updated', 'widget.detached'],
      deletedBy: ['widget.detached'],
    });
    const old = Array.from({ length: 100 }, (_, i) => widgetEvent(`e${i + 1}`, 100 + i, { apiVersion: 'other' }));
    const client = fakeWith(...old, widgetEvent('left', 300, { type: 'widget.detached' }));
    const steps = await replaySteps(replayOptions(client, [leaving], { positions }));
    expect(recordsIn(steps, 'widgets')).toMatchObject([
      { note: 'now', _as_of: 990 },
      { note: 'left', deleted: true, _as_of: 990 },
    ]);
  });

  it('are asked for several at once, and never too many', async () => {
    const many = Array.from({ length: 90 }, (_, i) => {
      const object = { ...current, id: `w_${i}` };
      return widgetEvent(`e${i + 1}`, 100 + i, { object, apiVersion: 'other' });
    });
    const client = fakeWith(...many);
    for (let i = 0; i < 90; i++) client.objects.set(`/v1/widgets/w_${i}`, { ...current, id: `w_${i}` });
    const steps = await replay(client);
    expect(recordsIn(steps, 'widgets').map(({ id }) => id)).toEqual(many.map((_, i) => `w_${i}`));
    expect(client.atOnceMax).toBe(FETCHES_AT_ONCE);
  });

  it('are left out when they are of another time than is wanted, also where only the answer says so', async () => {
    const client = fakeWith(widgetEvent('e1', 100, { object: { id: 'w_1', object: 'widget', a: 1, b: 2, c: 3 } }));
    const participants = new Map([['widgets', { created: { gte: 60 } }]]);
    expect(recordsIn(await replay(client, { participants }), 'widgets')).toEqual([]);
  });

  it.each([
    ['an error of Stripe', 500],
    ['a path that Stripe does not have', 404],
  ])('fail their stream on %s, which keeps its position while the others go on', async (_, status) => {
    const gadget = { id: 'g_1', object: 'gadget', created: 50, size: 1, note: 'g' };
    const first = Array.from({ length: 150 }, (_, i) => widgetEvent(`e${i + 1}`, 100 + i, { apiVersion: 'other' }));
    const client = fakeWith(...first, { id: 'g1', created: 400, type: 'gadget.created', object: gadget });
    client.broken.set('/v1/widgets/w_1', status);
    const steps = await replay(client);
    expect(steps.map(({ failures }) => [...failures.keys()])).toEqual([['widgets'], []]);
    expect(steps[0]?.failures.get('widgets')).toMatchObject({ status });
    expect(fetches(client)).toHaveLength(1);
    expect(recordsIn(steps, 'widgets')).toEqual([]);
    expect(recordsIn(steps, 'gadgets')).toMatchObject([{ note: 'g' }]);
    expect(positionOf(steps.at(-1)!.positions, 'widgets')).toEqual({ through: 95, anchor: 'e0', seen: [] });
    expect(positionOf(steps.at(-1)!.positions, 'gadgets')).toMatchObject({ through: 990 });
  });

  it('fail their stream when the answer is another object', async () => {
    const client = fakeWith(widgetEvent('e1', 100, { apiVersion: 'other' }));
    client.objects.set('/v1/widgets/w_1', { ...current, id: 'w_2' });
    const steps = await replay(client);
    expect(steps.at(-1)?.failures.get('widgets')).toMatchObject({ code: 'response_invalid' });
    expect(steps.at(-1)?.isEnd).toBe(true);
  });
});
