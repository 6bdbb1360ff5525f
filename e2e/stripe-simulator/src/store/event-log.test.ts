import { afterEach, describe, expect, it } from 'vitest';
import { olderApiVersion } from '../older-shape.ts';
import { apiVersion } from '../simulator.ts';
import { type Body, startSimulator, type TestSimulator, testNowS } from '../testing/start-simulator.ts';

const running: TestSimulator[] = [];
afterEach(async () => {
  for (const sim of running.splice(0)) await sim.close();
});

async function start(...args: string[]): Promise<TestSimulator> {
  const counts = ['/v1/customers=40', '/v1/subscriptions=30', '/v1/coupons=5'].flatMap((c) => ['--count', c]);
  const sim = await startSimulator(...counts, '--to', String(testNowS), ...args);
  running.push(sim);
  return sim;
}

const change = (sim: TestSimulator, path: string, count: number, what = 'update') =>
  sim.admin('POST', `objects/${what}`, { path, count });
const seen = async (sim: TestSimulator): Promise<Body[]> => (await sim.get('/v1/events?limit=100')).body.data;
const withoutId = ({ id, ...rest }: Body) => rest;

describe('late events', () => {
  it('are seen up to so many seconds after they were created, in their place behind newer ones', async () => {
    const sim = await start('--events-late', '0.5', '--events-late-seconds', '3');
    const made: string[] = [];
    const firstSeen = new Map<string, number>();
    for (let second = 0; second < 12; second++) {
      if (second < 8) made.push(...(await change(sim, '/v1/customers', 5)).events);
      const events = await seen(sim);
      for (const { id } of events) if (!firstSeen.has(id)) firstSeen.set(id, testNowS + second);
      // Always in the order in which things happened, whenever they came to be seen.
      expect(events.map((e) => e.id)).toEqual([...made].reverse().filter((id) => firstSeen.has(id)));
      expect((await sim.admin('GET', 'truth-summary'))['/v1/events']).toBe(events.length);
      await sim.admin('POST', 'clock?advance_s=1');
    }
    const events = await seen(sim);
    const delays = events.map((e) => (firstSeen.get(e.id) ?? 0) - e.created);
    expect(events.map((e) => e.id)).toEqual([...made].reverse());
    expect(new Set(delays)).toEqual(new Set([0, 1, 2, 3]));
    const lateCount = delays.filter((d) => d > 0).length;
    expect(lateCount).toBeGreaterThan(10);
    expect(lateCount).toBeLessThan(30);
  });

  it('are no objects and no cursors before they are seen, and not hidden again when the fault is switched off', async () => {
    const sim = await start();
    await sim.admin('POST', 'faults', { events_late: 1 });
    const { events } = await change(sim, '/v1/customers', 1);
    await sim.admin('POST', 'faults', { events_late: 0 });
    expect((await sim.get(`/v1/events/${events[0]}`)).status).toBe(404);
    expect((await sim.get(`/v1/events?starting_after=${events[0]}`)).status).toBe(400);
    await change(sim, '/v1/customers', 1);
    expect(await seen(sim)).toHaveLength(1);
    await sim.admin('POST', 'clock?advance_s=5');
    expect((await sim.get(`/v1/events/${events[0]}`)).status).toBe(200);
    expect(await seen(sim)).toHaveLength(2);
  });
});

describe('doubled events', () => {
  it('have a second one with another id and the same content, for the share that is asked for', async () => {
    const sim = await start('--events-doubled', '0.3');
    await change(sim, '/v1/customers', 60);
    const events = await seen(sim);
    const different = new Set(events.map((e) => JSON.stringify(withoutId(e))));
    expect(different.size).toBe(60);
    expect(new Set(events.map((e) => e.id)).size).toBe(events.length);
    expect(events.length - 60).toBeGreaterThan(8);
    expect(events.length - 60).toBeLessThan(30);
  });

  it('exist among those from before the start, which are no more than without', async () => {
    const sim = await start('--count', '/v1/events=1000', '--events-doubled', '1');
    const events = await sim.truth('/v1/events');
    expect(events).toHaveLength(1000);
    for (let i = 0; i < 1000; i += 2) expect(withoutId(events[i])).toEqual(withoutId(events[i + 1]));
    const times = events.map((e) => e.created);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const some = await (await start('--count', '/v1/events=1000', '--events-doubled', '0.25')).truth('/v1/events');
    expect(new Set(some.map((e) => JSON.stringify(withoutId(e)))).size).toBeGreaterThan(760);
    expect(new Set(some.map((e) => JSON.stringify(withoutId(e)))).size).toBeLessThan(840);
  });
});

describe('partial events', () => {
  it('hold id, object and metadata of objects of the named lists, and all of others', async () => {
    const sim = await start('--events-partial', '/v1/customers');
    await change(sim, '/v1/customers', 1);
    await change(sim, '/v1/coupons', 1);
    const [coupon, customer] = await seen(sim);
    expect(Object.keys(customer.data.object)).toEqual(['id', 'object', 'metadata']);
    expect(customer.data.object.metadata.revision).toBe('1');
    expect(customer.data.previous_attributes).toEqual({ metadata: { revision: null } });
    expect(coupon.data.object).toEqual((await sim.get(`/v1/coupons/${coupon.data.object.id}`)).body);
  });
});

describe('events of an older version', () => {
  it('say so, and have one field under another name or not at all', async () => {
    const sim = await start('--events-older', '1');
    for (const path of ['/v1/customers', '/v1/subscriptions', '/v1/coupons']) await change(sim, path, 1);
    const [coupon, subscription, customer] = await seen(sim);
    for (const event of [coupon, subscription, customer]) expect(event.api_version).toBe(olderApiVersion);
    const { balance, ...rest } = (await sim.get(`/v1/customers/${customer.data.object.id}`)).body;
    expect(customer.data.object).toEqual({ ...rest, account_balance: balance });
    expect(subscription.data.object).toHaveProperty('billing');
    const now = (await sim.get(`/v1/coupons/${coupon.data.object.id}`)).body;
    const lacking = Object.keys(now).filter((field) => !(field in coupon.data.object));
    expect(lacking).toHaveLength(1);
    expect({ ...coupon.data.object, [lacking[0] as string]: now[lacking[0] as string] }).toEqual(now);
  });

  it('are a share of all, those from before the start included', async () => {
    const sim = await start('--count', '/v1/events=400', '--events-older', '0.5');
    await change(sim, '/v1/customers', 100);
    const versions = (await sim.truth('/v1/events')).map((e) => e.api_version);
    expect(new Set(versions)).toEqual(new Set([olderApiVersion, apiVersion]));
    for (const part of [versions.slice(0, 100), versions.slice(100)]) {
      const share = part.filter((v) => v === olderApiVersion).length / part.length;
      expect(Math.abs(share - 0.5)).toBeLessThan(0.15);
    }
  });
});

describe('misbehaving events', () => {
  const args = ['--events-late', '0.3', '--events-doubled', '0.3', '--events-older', '0.3', '--count', '/v1/events=50'];
  const run = async (...more: string[]) => {
    const sim = await start(...args, ...more);
    await change(sim, '/v1/customers', 30);
    await change(sim, '/v1/coupons', 2, 'delete');
    const first = (await sim.get('/v1/events?limit=100')).text;
    await sim.admin('POST', 'clock?advance_s=5');
    return [first, (await sim.get('/v1/events?limit=100')).text];
  };

  it('are the same bytes at the same time for the same options, and others for another seed', async () => {
    const first = await run();
    expect(await run()).toEqual(first);
    expect(await run('--seed', '2')).not.toEqual(first);
    expect(first[0]).not.toBe(first[1]);
  });

  it('can be switched on and off while it runs, which changes no event that has happened', async () => {
    const sim = await start('--count', '/v1/events=20');
    const before = await sim.truth('/v1/events');
    const on = { events_doubled: 1, events_partial: ['/v1/customers'], events_older: 1 };
    expect(await sim.admin('POST', 'faults', on)).toMatchObject({ ...on, events_late: 0, events_late_seconds: 5 });
    await change(sim, '/v1/customers', 1);
    await sim.admin('POST', 'faults', { events_doubled: 0, events_partial: [], events_older: 0 });
    await change(sim, '/v1/customers', 1);
    const [last, second, first, ...rest] = await sim.truth('/v1/events');
    expect(rest).toEqual(before);
    expect(Object.keys(last.data.object).length).toBeGreaterThan(3);
    expect(withoutId(first)).toEqual(withoutId(second));
    expect([first.api_version, Object.keys(first.data.object)]).toEqual([
      olderApiVersion,
      ['id', 'object', 'metadata'],
    ]);
  });
});

describe('the list of events by type', () => {
  it('is the same whether a type has events from before the start or not', async () => {
    const sim = await start('--count', '/v1/events=80');
    await change(sim, '/v1/customers', 3, 'create');
    await change(sim, '/v1/coupons', 3);
    const all = await sim.truth('/v1/events');
    for (const type of ['customer.created', 'coupon.updated', 'customer.updated', 'customer.deleted']) {
      const expected = all.filter((e) => e.type === type).map((e) => e.id);
      for (const query of [`type=${type}`, `types[]=${type}`]) {
        const { body } = await sim.get(`/v1/events?limit=100&${query}`);
        expect(body.data.map((e: Body) => e.id)).toEqual(expected);
      }
    }
  });
});
