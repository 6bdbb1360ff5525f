import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Stream } from '../store/stream.ts';
import { type Body, startSimulator, type TestSimulator, testNowS } from '../testing/start-simulator.ts';

const ids = (body: Body) => body.data.map((o: Body) => o.id);

describe('a list', () => {
  let sim: TestSimulator;
  let customers: Body[];
  beforeAll(async () => {
    sim = await startSimulator(
      '--count',
      '/v1/customers=250',
      '--count',
      '/v1/products=40',
      '--count',
      '/v1/charges=60',
      '--count',
      '/v2/core/events=45',
    );
    customers = await sim.truth('/v1/customers');
  });
  afterAll(() => sim.close());

  it('has ten objects unless told otherwise, newest first, in ties too in an order of its own', async () => {
    const { body } = await sim.get('/v1/customers');
    expect(body).toMatchObject({ object: 'list', has_more: true, url: '/v1/customers' });
    expect(ids(body)).toEqual(customers.slice(0, 10).map((c) => c.id));
    const times = customers.map((c) => c.created);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(customers.map((c) => c.id)).not.toEqual(customers.map((c) => c.id).sort());
    expect(new Set(times).size).toBeLessThan(times.length);
  });

  it('serves exactly the bytes of the truth for each object', async () => {
    const { text } = await sim.get('/v1/customers?limit=100');
    const lines = (await (await fetch(`${sim.url}/_admin/truth?path=/v1/customers`)).text()).split('\n').slice(0, 100);
    expect(text).toBe(`{"object":"list","data":[${lines.join(',')}],"has_more":true,"url":"/v1/customers"}`);
  });

  it('goes on after a cursor, and back before one', async () => {
    const after = await sim.get(`/v1/customers?limit=100&starting_after=${customers[199].id}`);
    expect(ids(after.body)).toEqual(customers.slice(200).map((c) => c.id));
    expect(after.body.has_more).toBe(false);
    const before = await sim.get(`/v1/customers?limit=5&ending_before=${customers[20].id}`);
    expect(ids(before.body)).toEqual(customers.slice(15, 20).map((c) => c.id));
    expect(before.body.has_more).toBe(true);
    const top = await sim.get(`/v1/customers?limit=5&ending_before=${customers[5].id}`);
    expect([ids(top.body).length, top.body.has_more]).toEqual([5, false]);
  });

  it.each([
    ['gte', (c: number, t: number) => c >= t],
    ['gt', (c: number, t: number) => c > t],
    ['lte', (c: number, t: number) => c <= t],
    ['lt', (c: number, t: number) => c < t],
  ] as const)('filters by created[%s], also at a second that several share', async (part, holds) => {
    const tie = customers.find((c, i) => i > 100 && c.created === customers[i + 1]?.created).created;
    for (const at of [tie, tie - 1, tie + 1, 0, testNowS + 5]) {
      const expected = customers.filter((c) => holds(c.created, at)).map((c) => c.id);
      const { body } = await sim.get(`/v1/customers?limit=100&created[${part}]=${at}`);
      expect(ids(body)).toEqual(expected.slice(0, 100));
      expect(body.has_more).toBe(expected.length > 100);
    }
  });

  it('filters by an exact second, and by a range with a cursor', async () => {
    const tie = customers.find((c, i) => c.created === customers[i + 1]?.created).created;
    expect(ids((await sim.get(`/v1/customers?created=${tie}`)).body)).toEqual(
      customers.filter((c) => c.created === tie).map((c) => c.id),
    );
    const [low, high] = [customers[180].created, customers[20].created];
    const inside = customers.filter((c) => c.created >= low && c.created < high);
    const page = await sim.get(
      `/v1/customers?limit=100&created[gte]=${low}&created[lt]=${high}&starting_after=${inside[30].id}`,
    );
    expect(ids(page.body)).toEqual(inside.slice(31, 131).map((c) => c.id));
  });

  it('filters by the fields that a request names', async () => {
    const products = await sim.truth('/v1/products');
    const inactive = products.filter((p) => !p.active).map((p) => p.id);
    expect(inactive.length).toBeGreaterThan(0);
    expect(ids((await sim.get('/v1/products?limit=100&active=false')).body)).toEqual(inactive);
    const some = [products[3].id, products[7].id];
    expect(ids((await sim.get(`/v1/products?ids[]=${some[0]}&ids[1]=${some[1]}`)).body)).toEqual(some);
    const charges = await sim.truth('/v1/charges');
    const of = charges.find((c) => c.customer !== null).customer;
    expect(ids((await sim.get(`/v1/charges?limit=100&customer=${of}`)).body)).toEqual(
      charges.filter((c) => c.customer === of).map((c) => c.id),
    );
  });

  it('pages v2 lists by token, there and back, twenty at a time, and not in the order of created', async () => {
    const truth = (await sim.truth('/v2/core/events')).map((o) => o.id);
    const first = (await sim.get('/v2/core/events')).body;
    expect([ids(first), first.previous_page_url]).toEqual([truth.slice(0, 20), null]);
    const second = (await sim.get(first.next_page_url)).body;
    expect(ids(second)).toEqual(truth.slice(20, 40));
    expect(ids((await sim.get(second.previous_page_url)).body)).toEqual(truth.slice(0, 20));
    expect((await sim.get(second.next_page_url)).body.next_page_url).toBeNull();
    const times = (await sim.truth('/v2/core/events')).map((o) => o.created);
    expect(times).not.toEqual([...times].sort());
    expect(times).not.toEqual([...times].sort().reverse());
    expect((await sim.get('/v2/core/events?page=page_nonsense')).status).toBe(400);
  });

  it('refers to objects that exist', async () => {
    for (const charge of await sim.truth('/v1/charges')) {
      if (charge.customer !== null) expect((await sim.get(`/v1/customers/${charge.customer}`)).status).toBe(200);
    }
  });

  it('retrieves single objects with the bytes of the list', async () => {
    const { text } = await sim.get(`/v1/customers/${customers[3].id}`);
    expect(JSON.parse(text)).toEqual(customers[3]);
  });

  it('has an account that is older than every object, and carries the headers of Stripe', async () => {
    const { body, headers } = await sim.get('/v1/account', {
      authorization: `Basic ${btoa('sk_test_x:')}`,
      'stripe-version': '2024-01-01',
    });
    expect(body.id).toMatch(/^acct_\w{16}$/);
    expect(body.created).toBeLessThan(customers.at(-1).created);
    expect(headers.get('request-id')).toMatch(/^req_/);
    expect(headers.get('stripe-version')).toBe('2024-01-01');
    expect(Date.parse(headers.get('date') ?? '')).toBe(testNowS * 1000);
  });
});

describe('an embedded list', () => {
  it('is the first page of the list under the object', async () => {
    const sim = await startSimulator('--count', '/v1/invoices=120', '--count', '/v1/subscriptions=30');
    let more = 0;
    for (const invoice of await sim.truth('/v1/invoices')) {
      const { body } = await sim.get(`/v1/invoices/${invoice.id}/lines?limit=10`);
      expect(invoice.lines).toEqual(body);
      if (body.has_more) more++;
    }
    expect(more).toBeGreaterThan(0);
    for (const subscription of await sim.truth('/v1/subscriptions')) {
      const { body } = await sim.get(`/v1/subscription_items?limit=10&subscription=${subscription.id}`);
      expect(subscription.items.data).toEqual(body.data);
      for (const item of body.data) expect(item.subscription).toBe(subscription.id);
      for (const item of body.data) expect((await sim.get(`/v1/subscription_items/${item.id}`)).body).toEqual(item);
    }
    await sim.close();
  });
});

describe('a request that Stripe refuses', () => {
  let sim: TestSimulator;
  beforeAll(async () => {
    sim = await startSimulator(
      '--count',
      '/v1/customers=20',
      '--forbidden',
      '/v1/charges',
      '--not-enabled',
      '/v1/issuing/cards',
      '--garbage',
      '/v1/coupons',
    );
  });
  afterAll(() => sim.close());

  it.each([
    ['no key', '/v1/customers', {}, 401, { type: 'invalid_request_error' }],
    [
      'a wrong key',
      '/v1/customers',
      { authorization: 'Bearer nonsense_1234' },
      401,
      { message: 'Invalid API Key provided: non******1234' },
    ],
    ['a forbidden resource', '/v1/charges', undefined, 403, { code: 'more_permissions_required' }],
    ['a forbidden object', '/v1/charges/ch_1', undefined, 403, { code: 'more_permissions_required' }],
    [
      'a product that is not enabled',
      '/v1/issuing/cards',
      undefined,
      400,
      { type: 'invalid_request_error', message: expect.stringContaining('not set up to use Issuing') },
    ],
    [
      'an unknown URL',
      '/v1/nothing',
      undefined,
      404,
      { message: expect.stringContaining('Unrecognized request URL (GET: /v1/nothing)') },
    ],
    ['an unknown parameter', '/v1/customers?foo=1', undefined, 400, { code: 'parameter_unknown', param: 'foo' }],
    [
      'an unknown cursor',
      '/v1/customers?starting_after=cus_none',
      undefined,
      400,
      { code: 'resource_missing', param: 'starting_after', message: "No such customer: 'cus_none'" },
    ],
    [
      'an unknown cursor backwards',
      '/v1/customers?ending_before=cus_none',
      undefined,
      400,
      { code: 'resource_missing', param: 'ending_before' },
    ],
    ['an unknown object', '/v1/customers/cus_none', undefined, 404, { code: 'resource_missing', param: 'id' }],
    ['an unknown parent', '/v1/customers/cus_none/sources', undefined, 404, { code: 'resource_missing' }],
    [
      'a parent that is missing',
      '/v1/subscription_items',
      undefined,
      400,
      { code: 'parameter_missing', param: 'subscription' },
    ],
    ['a limit of 0', '/v1/customers?limit=0', undefined, 400, { code: 'parameter_invalid_integer', param: 'limit' }],
    [
      'a limit of 101',
      '/v1/customers?limit=101',
      undefined,
      400,
      { code: 'parameter_invalid_integer', param: 'limit' },
    ],
    ['a limit that is no number', '/v1/customers?limit=ten', undefined, 400, { message: 'Invalid integer: ten' }],
    [
      'a time that is no number',
      '/v1/customers?created[gte]=soon',
      undefined,
      400,
      { code: 'parameter_invalid_integer', param: 'created[gte]' },
    ],
    [
      'a part of time that is none',
      '/v1/customers?created[ge]=1',
      undefined,
      400,
      { code: 'parameter_unknown', param: 'created[ge]' },
    ],
    [
      'created where there is no such filter',
      '/v1/webhook_endpoints?created[gte]=1',
      undefined,
      400,
      { code: 'parameter_unknown', param: 'created' },
    ],
    ['a status that is none', '/v1/subscriptions?status=gone', undefined, 400, { param: 'status' }],
    [
      'both cursors',
      '/v1/customers?starting_after=a&ending_before=b',
      undefined,
      400,
      { message: expect.stringContaining('only one') },
    ],
  ] as const)('is refused for %s', async (_name, path, headers, status, error) => {
    const answer = await sim.get(path, headers);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatchObject({ type: 'invalid_request_error', ...error });
    expect(answer.headers.get('request-id')).toMatch(/^req_/);
  });

  it('is let in with the one key, where there is one', async () => {
    const strict = await startSimulator('--api-key', 'sk_test_right');
    expect((await strict.get('/v1/account')).status).toBe(401);
    expect((await strict.get('/v1/account', { authorization: 'Bearer sk_test_right' })).status).toBe(200);
    await strict.close();
  });

  it('gets HTML with status 200 where that is asked for', async () => {
    const { status, text, headers } = await sim.get('/v1/coupons');
    expect([status, headers.get('content-type'), text.startsWith('<!DOCTYPE html>')]).toEqual([200, 'text/html', true]);
  });

  it('gets 429 with Retry-After beyond the rate', async () => {
    const slow = await startSimulator('--rate-limit', '3');
    const answers = await Promise.all(Array.from({ length: 12 }, () => slow.get('/v1/customers')));
    const refused = answers.filter((a) => a.status === 429);
    expect(refused.length).toBeGreaterThan(4);
    expect(refused[0]?.body.error.code).toBe('rate_limit');
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    await slow.close();
  });

  it('gets 429 without Retry-After where that is asked for', async () => {
    const slow = await startSimulator('--rate-limit', '1', '--no-retry-after');
    const refused = async () =>
      (await Promise.all([1, 2, 3].map(() => slow.get('/v1/customers')))).filter((a) => a.status === 429);
    const [first] = await refused();
    expect([first?.body.error.code, first?.headers.get('retry-after')]).toEqual(['rate_limit', null]);
    await slow.admin('POST', 'faults', { retry_after: true });
    expect((await refused())[0]?.headers.get('retry-after')).toBe('1');
    await slow.close();
  });

  it('gets 429 at once, however long answers take', async () => {
    const slow = await startSimulator('--rate-limit', '1', '--latency-ms', '60000');
    const cut = slow.get('/v1/customers').catch(() => 'cut off');
    const others = await Promise.race([cut, Promise.all([1, 2, 3].map(() => slow.get('/v1/customers')))]);
    expect(Array.isArray(others) && others.map((a) => a.status)).toEqual([429, 429, 429]);
    await slow.close();
    expect(await cut).toBe('cut off');
  });
});

describe('faults', () => {
  it('hit the same requests for the same seed', async () => {
    const run = async (seed: string) => {
      const sim = await startSimulator(
        '--count',
        '/v1/customers=5',
        '--error-rate',
        '0.3',
        '--reset-rate',
        '0.3',
        '--seed',
        seed,
      );
      const outcomes: string[] = [];
      for (let i = 0; i < 40; i++)
        outcomes.push(
          await sim.get('/v1/customers').then(
            (a) => String(a.status),
            () => 'reset',
          ),
        );
      const counts = await sim.admin('GET', 'requests');
      await sim.close();
      return { outcomes, counts };
    };
    const [a, b, c] = [await run('5'), await run('5'), await run('6')];
    expect(a).toEqual(b);
    expect(a.outcomes).not.toEqual(c.outcomes);
    expect(new Set(a.outcomes)).toEqual(new Set(['200', '500', 'reset']));
    expect(a.counts.by_path['/v1/customers']).toEqual(
      Object.fromEntries(['200', '500', 'reset'].map((o) => [o, a.outcomes.filter((x) => x === o).length])),
    );
  });
});

describe('two simulators with the same options', () => {
  it('serve the same bytes, and others with another seed', async () => {
    const args = ['--objects', '3000', '--from', '2022-01-01', '--to', '2023-01-01'];
    const [a, b, c] = await Promise.all([
      startSimulator(...args),
      startSimulator(...args),
      startSimulator(...args, '--seed', '2'),
    ]);
    for (const path of ['/v1/customers?limit=100', '/v1/invoices', '/v2/core/accounts', '/v1/account']) {
      const text = (await a.get(path)).text;
      expect((await b.get(path)).text).toBe(text);
      expect((await c.get(path)).text).not.toBe(text);
    }
    await Promise.all([a, b, c].map((s) => s.close()));
  });

  it('differ only in spaces with and without --pretty', async () => {
    const [a, b] = await Promise.all([
      startSimulator('--count', '/v1/charges=30'),
      startSimulator('--count', '/v1/charges=30', '--pretty'),
    ]);
    const [plain, pretty] = [await a.get('/v1/charges?limit=30'), await b.get('/v1/charges?limit=30')];
    expect(pretty.text).toMatch(/^\{\n {2}"object": "list",\n {2}"data": \[\n {4}\{\n {6}"id": "ch_/);
    expect(pretty.body).toEqual(plain.body);
    await Promise.all([a.close(), b.close()]);
  });
});

describe('a million objects', () => {
  it('are paged through without a look at each of ten thousand that have been deleted', async () => {
    const sim = await startSimulator('--count', '/v1/customers=1000000');
    const stream = sim.simulator.store.streams.get('/v1/customers') as Stream;
    const top = stream.size() - 1;
    for (let rank = top - 10_004; rank <= top - 5; rank++) sim.simulator.delete(stream, rank);
    const steps = vi.spyOn(stream, 'liveDownFrom');
    const { body } = await sim.get('/v1/customers?limit=100');
    const expected = Array.from({ length: 100 }, (_, i) => stream.idAt(i < 5 ? top - i : top - 10_000 - i));
    expect(ids(body)).toEqual(expected);
    // One for each object, one for whether there is more.
    expect(steps.mock.calls.length).toBeLessThanOrEqual(101);
    await sim.close();
  });

  it('are served from anywhere without being made', async () => {
    const sim = await startSimulator('--count', '/v1/customers=5000000', '--distribution', 'recent-heavy');
    const before = process.memoryUsage().heapUsed;
    const { body } = await sim.get(`/v1/customers?limit=100&created[lt]=${testNowS - 2 * 365 * 86_400}`);
    expect(body.data).toHaveLength(100);
    const next = await sim.get(`/v1/customers?limit=100&starting_after=${body.data[99].id}`);
    expect(next.body.data[0].created).toBeLessThanOrEqual(body.data[99].created);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 1024 * 1024);
    await sim.close();
  });
});
