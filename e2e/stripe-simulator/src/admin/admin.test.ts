import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Body, startSimulator, type TestSimulator, testNowS } from '../testing/start-simulator.ts';

let sim: TestSimulator;
beforeEach(async () => {
  sim = await startSimulator(
    ...[
      '/v1/customers=30',
      '/v1/products=20',
      '/v1/subscriptions=20',
      '/v1/events=200',
      '/v1/balance_transactions=5',
    ].flatMap((c) => ['--count', c]),
    '--to',
    String(testNowS),
  );
});
afterEach(() => sim.close());

const events = async (query = '') => (await sim.get(`/v1/events?limit=100${query}`)).body.data as Body[];

describe('changes through the admin endpoints', () => {
  it('create objects at the top of the list, with their event', async () => {
    const { ids, events: made } = await sim.admin('POST', 'objects/create', { path: '/v1/customers', count: 3 });
    const { body } = await sim.get('/v1/customers?limit=3');
    expect(body.data.map((c: Body) => c.id)).toEqual([...ids].reverse());
    expect(body.data[0].created).toBe(testNowS);
    const newest = (await events()).slice(0, 3);
    expect(newest.map((e) => e.id)).toEqual([...made].reverse());
    expect(newest[0]).toMatchObject({
      object: 'event',
      type: 'customer.created',
      created: testNowS,
      data: { object: body.data[0] },
    });
    expect(await sim.truth('/v1/customers')).toHaveLength(33);
  });

  it('update an object so that it shows, with the values from before in the event', async () => {
    const [, , customer] = await sim.truth('/v1/customers');
    const { ids } = await sim.admin('POST', 'objects/update', { path: '/v1/customers', id: customer.id });
    expect(ids).toEqual([customer.id]);
    const now = (await sim.get(`/v1/customers/${customer.id}`)).body;
    expect(now).toEqual({ ...customer, metadata: { ...customer.metadata, revision: '1' } });
    await sim.admin('POST', 'objects/update', { path: '/v1/customers', id: customer.id });
    const [second, first] = await events();
    expect(first).toMatchObject({
      type: 'customer.updated',
      data: { object: now, previous_attributes: { metadata: { revision: null } } },
    });
    expect(second?.data.previous_attributes).toEqual({ metadata: { revision: '1' } });
  });

  it('say by leaving it out that a change has no event', async () => {
    const made = await sim.admin('POST', 'objects/create', { path: '/v1/tax_ids', count: 2 });
    const updated = await sim.admin('POST', 'objects/update', { path: '/v1/tax_ids', ids: made.ids });
    expect([made.ids.length, made.events, updated]).toEqual([2, [], { ids: made.ids, events: [] }]);
    expect((await events()).some((e) => e.type.startsWith('customer.tax_id'))).toBe(false);
  });

  it('move `updated` where there is one', async () => {
    await sim.admin('POST', 'clock?advance_s=500');
    const { ids } = await sim.admin('POST', 'objects/update', { path: '/v1/products', count: 1 });
    const now = (await sim.get(`/v1/products/${ids[0]}`)).body;
    expect(now.updated).toBe(testNowS + 500);
    expect((await events())[0]?.data.previous_attributes).toHaveProperty('updated');
  });

  it('delete objects: gone from the list, no longer a cursor, and the event has them as they were', async () => {
    const customers = await sim.truth('/v1/customers');
    const gone = customers[4];
    await sim.admin('POST', 'objects/delete', { path: '/v1/customers', ids: [gone.id] });
    expect((await sim.truth('/v1/customers')).map((c) => c.id)).toEqual(
      customers.filter((c) => c !== gone).map((c) => c.id),
    );
    expect(await sim.admin('GET', 'deleted?path=/v1/customers')).toEqual({ ids: [gone.id] });
    expect((await sim.get(`/v1/customers?starting_after=${gone.id}`)).body.error).toMatchObject({
      code: 'resource_missing',
      param: 'starting_after',
    });
    expect((await sim.get(`/v1/customers/${gone.id}`)).body).toEqual({
      id: gone.id,
      object: 'customer',
      deleted: true,
    });
    expect((await events())[0]).toMatchObject({ type: 'customer.deleted', data: { object: gone } });
    const { body } = await sim.get('/v1/customers?limit=5');
    expect(body.data).toHaveLength(5);
  });

  it('cancel a subscription that is to be deleted, which hides it from the usual list only', async () => {
    const open = (await sim.get('/v1/subscriptions?limit=100')).body.data;
    await sim.admin('POST', 'objects/delete', { path: '/v1/subscriptions', id: open[0].id });
    expect((await sim.get('/v1/subscriptions?limit=100')).body.data).toHaveLength(open.length - 1);
    const canceled = (await sim.get(`/v1/subscriptions/${open[0].id}`)).body;
    expect(canceled).toMatchObject({ status: 'canceled', canceled_at: testNowS, ended_at: testNowS });
    expect((await events())[0]).toMatchObject({
      type: 'customer.subscription.deleted',
      data: { object: { status: 'canceled' } },
    });
    expect(await sim.admin('GET', 'deleted?path=/v1/subscriptions')).toEqual({ ids: [] });
    expect(await sim.truth('/v1/subscriptions')).toHaveLength(20);
  });

  it.each([
    ['objects/create', { path: '/v1/nothing' }, /no objects that can be changed/],
    ['objects/update', { path: '/v1/customers', id: 'cus_none' }, /no object cus_none/],
    ['objects/create', { path: '/v1/customers', id: 'cus_none' }, /given by the simulator/],
    ['objects/update', { path: '/v1/customers', number: 3 }, /number/],
    ['faults', { latency: 3 }, /latency/],
    ['nonsense', {}, /no admin endpoint/],
  ])('refuse %s with %j', async (path, body, message) => {
    expect((await sim.admin('POST', path, body)).error).toMatch(message);
  });
});

describe('the list of events', () => {
  it('filters by type, types and a wildcard, newest first', async () => {
    await sim.admin('POST', 'objects/create', { path: '/v1/products', count: 2 });
    await sim.admin('POST', 'objects/delete', { path: '/v1/customers', count: 1 });
    const types = (list: Body[]) => [...new Set(list.map((e) => e.type))];
    expect(types(await events('&type=product.created'))).toEqual(['product.created']);
    expect(types(await events('&types[]=product.created&types[]=customer.deleted'))).toEqual([
      'customer.deleted',
      'product.created',
    ]);
    expect(types(await events('&type=customer.*')).every((t) => t.startsWith('customer.'))).toBe(true);
    const times = (await events()).map((e) => e.created);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it('tells of the past what is still so: each object as it is, none from before it was created', async () => {
    const byId = new Map(
      (await Promise.all(['/v1/customers', '/v1/products', '/v1/subscriptions'].map((p) => sim.truth(p))))
        .flat()
        .map((o) => [o.id, o]),
    );
    const all = await sim.truth('/v1/events');
    expect(all).toHaveLength(200);
    for (const event of all) {
      expect(event.data.object).toEqual(byId.get(event.data.object.id));
      expect(event.created).toBeGreaterThanOrEqual(event.data.object.created);
    }
  });

  it('keeps events for 30 days of its clock', async () => {
    const [newest] = await sim.truth('/v1/events');
    const oldest = (await sim.truth('/v1/events')).at(-1);
    expect(oldest.created).toBeGreaterThanOrEqual(testNowS - 30 * 86_400);
    await sim.admin('POST', `clock?advance_s=${29 * 86_400}`);
    expect((await sim.truth('/v1/events')).every((e) => e.created >= testNowS - 86_400)).toBe(true);
    expect((await sim.get(`/v1/events?starting_after=${oldest.id}`)).body.error.code).toBe('resource_missing');
    await sim.admin('POST', `clock?advance_s=${2 * 86_400}`);
    expect(await sim.truth('/v1/events')).toEqual([]);
    expect((await sim.get(`/v1/events/${newest.id}`)).status).toBe(404);
  });
});

describe('a schedule', () => {
  it('changes as many objects a second as it says, the same ones for the same seed', async () => {
    const run = async () => {
      const one = await startSimulator(
        '--objects',
        '2000',
        '--count',
        '/v1/events=0',
        '--schedule',
        'create=3,update=5,delete=0.5',
      );
      for (let i = 0; i < 40; i++) one.schedule.step();
      const made = await one.truth('/v1/events');
      await one.close();
      return made;
    };
    const [a, b] = [await run(), await run()];
    expect(a).toEqual(b);
    // 4 seconds of 3 + 5 + 0.5, each with its event.
    expect(a).toHaveLength(34);
  });

  it('makes no change without an event, whatever lists there are', async () => {
    const one = await startSimulator('--objects', '4000', '--count', '/v1/tax_ids=900', '--count', '/v1/events=0');
    one.schedule.rates = { create: 500, update: 500, delete: 500 };
    const before = await one.admin('GET', 'truth-summary');
    const taxIds = await one.truth('/v1/tax_ids');
    for (let i = 0; i < 20; i++) one.schedule.step();
    const events = await one.truth('/v1/events');
    // Fewer than asked for: small lists run out of objects to delete.
    expect(events.length).toBeGreaterThan(2500);
    expect(await one.truth('/v1/tax_ids')).toEqual(taxIds);
    const after = await one.admin('GET', 'truth-summary');
    for (const [path, { object, eventTypes }] of one.simulator.store.streams) {
      const count = (type: string | undefined) =>
        events.filter((e) => e.type === type && e.data.object.object === object).length;
      const deleted = path === '/v1/subscriptions' ? 0 : count(eventTypes.deleted);
      const expected = (before[path] ?? 0) + count(eventTypes.created) - deleted;
      if (eventTypes.created ?? eventTypes.deleted) expect([path, after[path]]).toEqual([path, expected]);
      else expect([path, after[path]]).toEqual([path, before[path]]);
    }
    await one.close();
  });
});

describe('the other admin endpoints', () => {
  it('count requests by endpoint and status until they are reset', async () => {
    await sim.get('/v1/customers');
    await sim.get('/v1/customers?limit=x');
    await sim.get(`/v1/customers/${(await sim.truth('/v1/customers'))[0].id}`);
    expect(await sim.admin('GET', 'requests')).toMatchObject({
      total: 3,
      by_status: { 200: 2, 400: 1 },
      by_path: { '/v1/customers': { 200: 1, 400: 1 }, '/v1/customers/{id}': { 200: 1 } },
    });
    expect((await sim.admin('POST', 'reset')).total).toBe(0);
  });

  it('count pages that are empty or hold fewer objects than were asked for, by endpoint', async () => {
    for (const query of ['', '?limit=30', '?limit=31', '?limit=100', '?created[lt]=5', '?limit=x']) {
      await sim.get(`/v1/customers${query}`);
    }
    await sim.get('/v1/charges');
    await sim.get('/v2/core/events');
    const { id } = (await sim.truth('/v1/customers'))[0];
    await sim.get(`/v1/customers/${id}`);
    expect(await sim.admin('GET', 'requests')).toMatchObject({
      empty_pages: { '/v1/charges': 1, '/v1/customers': 1, '/v2/core/events': 1 },
      partial_pages: { '/v1/customers': 2 },
    });
    expect(await sim.admin('POST', 'reset')).toMatchObject({ empty_pages: {}, partial_pages: {} });
  });

  it('tell how many requests were being answered at the same time at most', async () => {
    await sim.admin('POST', 'faults', { latency_ms: 100 });
    await Promise.all(Array.from({ length: 7 }, () => sim.get('/v1/customers')));
    await sim.get('/v1/customers');
    expect((await sim.admin('GET', 'requests')).max_in_flight).toBe(7);
    expect((await sim.admin('POST', 'reset')).max_in_flight).toBeLessThanOrEqual(1);
  });

  it('sum up the truth', async () => {
    const summary = await sim.admin('GET', 'truth-summary');
    expect(summary).toMatchObject({ '/v1/customers': 30, '/v1/events': 200, '/v1/charges': 0 });
    for (const path of [
      '/v1/customers/{parent}/sources',
      '/v1/subscription_items',
      '/v1/subscription_items/{parent}/usage_record_summaries',
    ]) {
      expect((await sim.truth(path)).length).toBe(summary[path]);
    }
  });

  it('change faults while it runs', async () => {
    await sim.admin('POST', 'faults', { forbidden: ['/v1/customers'], schedule: { update: 2 } });
    expect((await sim.get('/v1/customers')).status).toBe(403);
    expect(await sim.admin('POST', 'faults', { forbidden: [], error_rate: 1 })).toMatchObject({
      error_rate: 1,
      forbidden: [],
      schedule: { create: 0, update: 2, delete: 0 },
    });
    expect((await sim.get('/v1/customers')).status).toBe(500);
  });

  it('tell and move the clock', async () => {
    expect(await sim.admin('GET', 'clock')).toEqual({ now: testNowS });
    expect(await sim.admin('POST', 'clock?advance_s=60')).toEqual({ now: testNowS + 60 });
    expect(Date.parse((await sim.get('/v1/account')).headers.get('date') ?? '')).toBe((testNowS + 60) * 1000);
  });
});
