import { describe, expect, it } from 'vitest';
import { eventStream } from '../testing/event-streams.ts';
import { neverAborted, recordsIn, replayOptions, replaySteps, widgetEvent } from '../testing/event-world.ts';
import { FakeEvents } from '../testing/fake-events.ts';
import { type EventPosition, type EventPositions, noPositions, placeStreams, positionOf } from './position.ts';
import { notePosition } from './read-event-pages.ts';

const widgets = eventStream('widgets');
const gadgets = eventStream('gadgets');

function standing(position: Partial<EventPosition> & { through: number }, ...names: string[]): EventPositions {
  return placeStreams(noPositions, names, { seen: [], ...position });
}

const notes = (records: readonly Record<string, unknown>[]) => records.map(({ note }) => note);

/** So many events, a second each from 100 on, about widgets. */
function manyEvents(count: number): FakeEvents {
  const client = new FakeEvents(100_000);
  for (let i = 0; i < count; i++) {
    const object = { id: `w_${i % 7}`, object: 'widget', created: 50, note: `e${i}`, size: 1 };
    client.events.push({ id: `e${i}`, created: 100 + i, type: 'widget.updated', object });
  }
  return client;
}

describe('replayEvents', () => {
  it('emits the object of each event as it stands there, with the account and the time of the event', async () => {
    const client = new FakeEvents(1000);
    const raw = '{"id":"w_1", "object":"widget","created":5,"n":12345678901234567890.10,"_as_of":3,"s":"\\u00e9\\/"}';
    client.add(widgetEvent('e0', 90), widgetEvent('e1', 100, { object: raw }));
    const steps = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 95 }, 'widgets') }),
    );
    expect(steps.flatMap(({ records }) => records.get('widgets') ?? []).map(String)).toEqual([
      '{"id":"w_1","object":"widget","created":5,"n":12345678901234567890.10,"s":"\\u00e9\\/","_account_id":"acct_1","_as_of":100}',
    ]);
    expect(steps.at(-1)).toMatchObject({ isEnd: true, through: 990 });
    expect(steps.at(-1)?.positions.cursor).toEqual({ through: 990, anchor: 'e1', seen: [] });
  });

  it('says that an object is gone, also of one whose creation it never saw, in place of what the object says of that', async () => {
    const client = new FakeEvents(1000);
    const object = { id: 'w_1', deleted: false, object: 'widget', size: 1 };
    client.add(widgetEvent('e1', 100, { type: 'widget.deleted', object }));
    const steps = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 95 }, 'widgets') }),
    );
    expect(recordsIn(steps, 'widgets')).toEqual([
      { id: 'w_1', object: 'widget', size: 1, deleted: true, _account_id: 'acct_1', _as_of: 100 },
    ]);
    expect(client.requests.filter((path) => path.startsWith('/v1/widgets'))).toEqual([]);
  });

  it.each([
    ['an anchor', { through: 100, anchor: 'e0' }],
    ['an older event to be found', { through: 101 }],
    ['an anchor that has run out', { through: 101, anchor: 'e_gone' }],
  ])('reads thousands of events in order with a request a page and at most two more, from %s', async (_, position) => {
    const client = manyEvents(5321);
    const steps = await replaySteps(replayOptions(client, [widgets], { positions: standing(position, 'widgets') }));
    expect(notes(recordsIn(steps, 'widgets'))).toEqual(client.events.slice(1).map(({ id }) => id));
    expect(client.requests.length).toBeLessThanOrEqual(Math.ceil(5320 / 100) + 2);
    expect(steps.slice(0, -1).every(({ isEnd }) => !isEnd)).toBe(true);
  });

  it('begins with the oldest event there is when none is older than the position', async () => {
    for (const count of [0, 1, 100, 250, 4321]) {
      const client = manyEvents(count);
      const steps = await replaySteps(
        replayOptions(client, [widgets], { positions: standing({ through: 50 }, 'widgets') }),
      );
      expect(notes(recordsIn(steps, 'widgets'))).toEqual(client.events.map(({ id }) => id));
      expect(client.requests.length).toBeLessThanOrEqual(Math.ceil(count / 100) + 2);
      expect(steps.at(-1)).toMatchObject({ isEnd: true, through: 100_000 - 10 });
    }
  });

  it('keeps only the oldest pages of a list that it has to walk down, and loses none of the others', async () => {
    const client = manyEvents(7777);
    const steps = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 50 }, 'widgets') }),
    );
    expect(notes(recordsIn(steps, 'widgets'))).toEqual(client.events.map(({ id }) => id));
    expect(client.requests.length).toBeLessThanOrEqual(78 + 28 + 3);
  });

  it('goes on by time when the event under its cursor runs out on the way', async () => {
    const client = manyEvents(1000);
    const options = replayOptions(client, [widgets], {
      positions: standing({ through: 101, anchor: 'e0' }, 'widgets'),
    });
    const get = client.get.bind(client);
    client.get = (path, signal) => {
      // The one that ended the second page.
      if (path.includes('ending_before=e200')) client.keptSince = 301;
      return get(path, signal);
    };
    const steps = await replaySteps(options);
    expect(new Set(notes(recordsIn(steps, 'widgets')))).toEqual(new Set(client.events.slice(1).map(({ id }) => id)));
  });

  it('goes on from the position of any step, and repeats nothing that was steady', async () => {
    const client = manyEvents(450);
    const options = replayOptions(client, [widgets], { positions: standing({ through: 100 }, 'widgets') });
    const steps = await replaySteps(options);
    for (const [i, { positions }] of steps.entries()) {
      const rest = await replaySteps({ ...options, positions });
      const done = notes(recordsIn(steps.slice(0, i + 1), 'widgets'));
      expect([...done, ...notes(recordsIn(rest, 'widgets'))]).toEqual(client.events.map(({ id }) => id));
    }
  });

  it('applies an event that shows late, and drops those that were applied before', async () => {
    const client = new FakeEvents(1000);
    client.add(widgetEvent('e1', 992), widgetEvent('e2', 998));
    client.add(widgetEvent('late', 995, { visibleAt: 1003 }));
    const first = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 900 }, 'widgets') }),
    );
    expect(notes(recordsIn(first, 'widgets'))).toEqual(['e1', 'e2']);
    expect(first.at(-1)?.positions.cursor).toEqual({ through: 990, seen: ['e1', 'e2'] });
    client.time = 1004;
    const second = await replaySteps(replayOptions(client, [widgets], { positions: first.at(-1)!.positions }));
    expect(notes(recordsIn(second, 'widgets'))).toEqual(['late']);
    expect(second.at(-1)?.positions.cursor).toEqual({ through: 994, anchor: 'e1', seen: ['late', 'e2'] });
  });

  it('applies the newer events of one second once more after one of the same object that shows late', async () => {
    const client = new FakeEvents(1000);
    client.add(widgetEvent('e1', 995), widgetEvent('late', 995, { visibleAt: 1003 }), widgetEvent('e2', 995));
    client.add(
      widgetEvent('other', 995, { object: { id: 'w_2', object: 'widget', created: 50, note: 'other', size: 1 } }),
    );
    const first = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 900 }, 'widgets') }),
    );
    expect(notes(recordsIn(first, 'widgets'))).toEqual(['e1', 'e2', 'other']);
    client.time = 1003;
    const second = await replaySteps(replayOptions(client, [widgets], { positions: first.at(-1)!.positions }));
    expect(notes(recordsIn(second, 'widgets'))).toEqual(['late', 'e2']);
  });

  it('applies an event that the list shows twice once', async () => {
    const client = new FakeEvents(1000);
    client.add(widgetEvent('e1', 100), widgetEvent('e2', 100), widgetEvent('e1', 100));
    const steps = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 95 }, 'widgets') }),
    );
    expect(notes(recordsIn(steps, 'widgets'))).toEqual(['e1', 'e2']);
  });

  it('takes a position no further than what an earlier page had surely shown', async () => {
    const client = manyEvents(150);
    client.add(widgetEvent('a', 90));
    // The first page ends at 199, at which time the list is not complete before 190.
    client.time = 200;
    client.secondsPerRequest = 60;
    client.add(widgetEvent('late', 195, { visibleAt: 205 }));
    const steps = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 100, anchor: 'a' }, 'widgets') }),
    );
    expect(notes(recordsIn(steps, 'widgets'))).not.toContain('late');
    expect(steps.at(-1)).toMatchObject({ isEnd: true, through: 190 });
    const rest = await replaySteps(replayOptions(client, [widgets], { positions: steps.at(-1)!.positions }));
    expect(notes([...recordsIn(steps, 'widgets'), ...recordsIn(rest, 'widgets')])).toContain('late');
  });

  it('gives each stream what it does not have yet, and lets those that lag behind catch up', async () => {
    const client = new FakeEvents(1000);
    const gadget = { id: 'g_1', object: 'gadget', created: 50, size: 1 };
    for (const created of [100, 200, 300]) {
      client.add(widgetEvent(`w${created}`, created));
      client.add({ id: `g${created}`, created, type: 'gadget.updated', object: { ...gadget, note: `g${created}` } });
    }
    const positions = placeStreams(standing({ through: 150 }, 'widgets'), ['gadgets'], { through: 250, seen: [] });
    const steps = await replaySteps(replayOptions(client, [widgets, gadgets], { positions }));
    expect(notes(recordsIn(steps, 'widgets'))).toEqual(['w200', 'w300']);
    expect(notes(recordsIn(steps, 'gadgets'))).toEqual(['g300']);
    expect([...steps.at(-1)!.positions.streams].sort()).toEqual(['gadgets', 'widgets']);
  });

  it('gives nothing to streams that take no part, that events do not feed, or that want other objects', async () => {
    const client = new FakeEvents(1000);
    client.add(
      widgetEvent('e1', 100),
      widgetEvent('old', 101, { object: { id: 'w_2', object: 'widget', created: 5, size: 1, x: 0 } }),
    );
    client.add(widgetEvent('e2', 102, { account: 'acct_2' }), widgetEvent('e3', 103, { type: 'widget.thought_of' }));
    client.add(widgetEvent('e4', 104, { object: { id: 'w_1', object: 'draft', created: 50, size: 1, x: 0 } }));
    client.add(widgetEvent('e5', 105, { object: { object: 'widget', created: 50, size: 1, x: 0 } }));
    const silent = eventStream('gadgets', { events: 'none', eventTypes: ['widget.updated'], object: 'widget' });
    const options = replayOptions(client, [widgets, silent], {
      positions: standing({ through: 95 }, 'widgets', 'gadgets', 'others'),
    });
    const participants = new Map([
      ['widgets', { created: { gte: 10, lt: 60 } }],
      ['gadgets', {}],
    ]);
    const steps = await replaySteps({ ...options, participants });
    expect(notes(recordsIn(steps, 'widgets'))).toEqual(['e1']);
    expect(recordsIn(steps, 'gadgets')).toEqual([]);
    expect(positionOf(steps.at(-1)!.positions, 'others')).toEqual({ through: 95, seen: [] });
  });

  it('stops at the latest end of the participants, and each stays at its own', async () => {
    const client = manyEvents(500);
    client.add(widgetEvent('a', 90));
    const gadget = { id: 'g_1', object: 'gadget', created: 50, size: 1, note: 'g' };
    client.add({ id: 'g', created: 160, type: 'gadget.updated', object: gadget });
    const participants = new Map([
      ['widgets', { until: 150 }],
      ['gadgets', { until: 161 }],
    ]);
    const options = replayOptions(client, [widgets, gadgets], {
      positions: standing({ through: 100, anchor: 'a' }, 'widgets', 'gadgets'),
      participants,
    });
    const steps = await replaySteps(options);
    expect(notes(recordsIn(steps, 'widgets'))).toEqual(Array.from({ length: 50 }, (_, i) => `e${i}`));
    expect(notes(recordsIn(steps, 'gadgets'))).toEqual(['g']);
    expect(steps).toHaveLength(1);
    const { positions } = steps[0]!;
    expect(positionOf(positions, 'widgets')).toEqual({ through: 150, seen: [] });
    expect(positionOf(positions, 'gadgets')).toEqual({ through: 161, anchor: 'g', seen: [] });
    const before = client.requests.length;
    expect(await replaySteps({ ...options, positions })).toMatchObject([{ isEnd: true, positions, through: 150 }]);
    expect(client.requests).toHaveLength(before);
  });

  it('reads lists under a parent with the id of the parent, and nothing that names none', async () => {
    const client = new FakeEvents(1000);
    const parts = eventStream('parts', {
      path: '/v1/widgets/{id}/parts',
      parent: { path: '/v1/widgets', embedded: null },
      parentIdIn: 'widget',
    });
    const part = { id: 'p_1', object: 'part', created: 50, size: 1 };
    client.add({ id: 'e1', created: 100, type: 'part.created', object: { ...part, widget: 'w_1' } });
    client.add({
      id: 'e2',
      created: 101,
      type: 'part.created',
      object: { ...part, widget: { id: 'w_2' } },
      apiVersion: 'other',
    });
    client.add({ id: 'e3', created: 102, type: 'part.created', object: { ...part, widget: null } });
    client.objects.set('/v1/widgets/w_2/parts/p_1', { ...part, widget: 'w_2', size: 9 });
    const steps = await replaySteps(replayOptions(client, [parts], { positions: standing({ through: 95 }, 'parts') }));
    expect(recordsIn(steps, 'parts')).toEqual([
      { ...part, widget: 'w_1', _parent_id: 'w_1', _account_id: 'acct_1', _as_of: 100 },
      { ...part, widget: 'w_2', size: 9, _parent_id: 'w_2', _account_id: 'acct_1', _as_of: 990 },
    ]);
  });

  it('completes the newest snapshot of an object in a page', async () => {
    const client = new FakeEvents(1000);
    client.add(widgetEvent('e1', 100), widgetEvent('e2', 101), widgetEvent('e3', 102, { type: 'widget.deleted' }));
    const two = { ...(widgetEvent('e4', 103).object as object), id: 'w_2' };
    client.add(widgetEvent('e4', 103, { object: two }));
    const complete = async (_: unknown, bytes: Buffer) =>
      Buffer.from(bytes.toString().replace('"size":1', '"size":"whole"'));
    const steps = await replaySteps(
      replayOptions(client, [widgets], { positions: standing({ through: 95 }, 'widgets'), complete }),
    );
    expect(recordsIn(steps, 'widgets').map(({ size }) => size)).toEqual([1, 1, 1, 'whole']);
  });

  it('ends at once when it is stopped, and when the key is refused', async () => {
    const client = manyEvents(10);
    const options = replayOptions(client, [widgets], { positions: standing({ through: 100 }, 'widgets') });
    await expect(replaySteps({ ...options, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    client.broken.set('/v1/widgets/w_1', 401);
    await expect(replaySteps({ ...options, revalidate: new Set(['widget']) })).rejects.toThrow('HTTP 401');
  });

  it('refuses an answer that is no list of events, and never takes it for an empty one', async () => {
    for (const text of [
      '',
      '[]',
      '{"object":"list","data":[]}',
      '{"object":"list","data":[],"has_more":true}',
      '{"object":"list","data":[{"id":"e1","object":"event"}],"has_more":false}',
    ]) {
      const client = new FakeEvents(1000);
      client.get = async () => ({ body: Buffer.from(text), date: 1000 });
      const options = replayOptions(client, [widgets], {
        positions: standing({ through: 95, anchor: 'e0' }, 'widgets'),
      });
      await expect(replaySteps(options)).rejects.toThrow('not a list of events');
    }
  });
});

describe('notePosition', () => {
  it('is the time until which everything surely shows, with the newest event before it, for one request', async () => {
    const client = new FakeEvents(200);
    client.add(widgetEvent('e1', 100), widgetEvent('e2', 189), widgetEvent('e3', 190), widgetEvent('e4', 199));
    expect(await notePosition(client, neverAborted)).toEqual({ through: 190, anchor: 'e2', seen: [] });
    expect(client.requests).toHaveLength(1);
  });

  it('is Stripe’s time where our own clock is ahead, and has no anchor where there is no event', async () => {
    const client = new FakeEvents(200);
    client.add(widgetEvent('e1', 195));
    client.now = () => 5000;
    expect(await notePosition(client, neverAborted)).toEqual({ through: 190, seen: [] });
    expect(await notePosition(new FakeEvents(200), neverAborted)).toEqual({ through: 190, seen: [] });
  });
});
