import Stripe from 'stripe';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Body, startSimulator, type TestSimulator, testNowS } from '../testing/start-simulator.ts';
import { deliveriesMax, endpointsMax } from './webhook-endpoints.ts';

let sim: TestSimulator;
let stripe: Stripe;
beforeEach(async () => {
  const counts = ['/v1/customers=20', '/v1/products=20', '/v1/webhook_endpoints=3'].flatMap((c) => ['--count', c]);
  sim = await startSimulator(...counts);
  const { hostname, port } = new URL(sim.url);
  const host = { host: hostname, port: Number(port), protocol: 'http' } as const;
  stripe = new Stripe('sk_test_client', { ...host, maxNetworkRetries: 0, telemetry: false });
});
afterEach(() => sim.close());

const endpoint = (url: string, ...types: Stripe.WebhookEndpointCreateParams.EnabledEvent[]) =>
  stripe.webhookEndpoints.create({ url, enabled_events: types.length === 0 ? ['*'] : types });
async function take(): Promise<{ payload: string; signature: string }[]> {
  const response = await fetch(`${sim.url}/_admin/webhooks/take`, { method: 'POST' });
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  return (await response.text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}
const change = (what: string, path: string, more: object = { count: 1 }) =>
  sim.admin('POST', `objects/${what}`, { path, ...more });
/** Throws unless the signature is right, as a receiver does at the time of the delivery. */
const verify = ({ payload, signature }: { payload: string; signature: string }, secret = '', atMs = testNowS * 1000) =>
  stripe.webhooks.constructEvent(payload, signature, secret, 300, undefined, atMs);

describe('webhook endpoints', () => {
  it("are made by Stripe's own client with all that was asked for, and show their secret only then", async () => {
    const asked = {
      url: 'https://example.com/hook?a=1&b=ü',
      enabled_events: ['customer.created', 'customer.subscription.deleted'],
      description: 'Für Penstock & Co',
      metadata: { penstock: 'yes', '7': 'a key like a number', ключ: '=&[]' },
      api_version: '2026-10-28.endive',
    } as unknown as Stripe.WebhookEndpointCreateParams;
    const { secret, ...made } = await stripe.webhookEndpoints.create(asked);
    expect(secret).toMatch(/^whsec_\w{32}$/);
    expect(made).toMatchObject({ ...asked, object: 'webhook_endpoint', status: 'enabled', created: testNowS });
    expect({ ...(await stripe.webhookEndpoints.retrieve(made.id)) }).toEqual({ ...made });
    const second = await endpoint('http://localhost:1/hook');
    expect(second.secret).not.toBe(secret);
    const { data } = await stripe.webhookEndpoints.list();
    expect(data.map((e) => e.id).slice(0, 2)).toEqual([second.id, made.id]);
    expect(data).toHaveLength(5);
    expect(data[1]).toEqual(JSON.parse(JSON.stringify(made)));
    expect(data.every((e) => e.secret === undefined)).toBe(true);
    expect((await sim.truth('/v1/webhook_endpoints')).map((e) => e.id)).toEqual(data.map((e) => e.id));
  });

  it('are deleted by the client, those that were there from the start too', async () => {
    const made = await endpoint('https://example.com/hook');
    const old = (await stripe.webhookEndpoints.list()).data.at(-1)?.id ?? '';
    for (const id of [made.id, old]) {
      expect(await stripe.webhookEndpoints.del(id)).toMatchObject({ id, object: 'webhook_endpoint', deleted: true });
      await expect(stripe.webhookEndpoints.del(id)).rejects.toMatchObject({
        statusCode: 404,
        code: 'resource_missing',
      });
      await expect(stripe.webhookEndpoints.retrieve(id)).rejects.toMatchObject({ statusCode: 404 });
    }
    expect((await stripe.webhookEndpoints.list()).data).toHaveLength(2);
  });

  it('show an update through the admin endpoint beside what was given', async () => {
    const made = await stripe.webhookEndpoints.create({
      url: 'https://example.com/',
      enabled_events: ['*'],
      metadata: { a: 'b' },
    });
    await change('update', '/v1/webhook_endpoints', { id: made.id });
    const now = await stripe.webhookEndpoints.retrieve(made.id);
    expect([now.url, now.metadata]).toEqual(['https://example.com/', { a: 'b', revision: '1' }]);
  });

  it.each([
    ['without an address', 'enabled_events[]=*', { code: 'parameter_missing', param: 'url' }],
    ['with half an address', 'url=example.com&enabled_events[]=*', { code: 'url_invalid', param: 'url' }],
    ['without events', 'url=https://example.com', { code: 'parameter_missing', param: 'enabled_events' }],
    [
      'with a pattern of events',
      'url=https://example.com&enabled_events[]=*&enabled_events[]=customer.*',
      { param: 'enabled_events[1]', message: expect.stringContaining('customer.*') },
    ],
    [
      'with an unknown parameter',
      'url=https://example.com&enabled_events[]=*&name=x',
      { code: 'parameter_unknown', param: 'name' },
    ],
    ['with a wrong version', 'url=https://a.b&enabled_events[]=*&api_version=new', { param: 'api_version' }],
    [
      'with metadata that is too long',
      `url=https://a.b&enabled_events[]=*&metadata[k]=${'x'.repeat(501)}`,
      { message: expect.stringContaining('500') },
    ],
  ])('are refused %s', async (_name, body, error) => {
    const headers = { authorization: 'Bearer sk_test_1', 'content-type': 'application/x-www-form-urlencoded' };
    const response = await fetch(`${sim.url}/v1/webhook_endpoints`, { method: 'POST', headers, body });
    expect(response.status).toBe(400);
    expect(((await response.json()) as Body).error).toMatchObject({ type: 'invalid_request_error', ...error });
    expect(await sim.truth('/v1/webhook_endpoints')).toHaveLength(3);
  });

  it('are no more than an account can have, and not made with a key that may not', async () => {
    for (let i = 0; i < endpointsMax; i++) await endpoint(`https://example.com/${i}`);
    await expect(endpoint('https://example.com/more')).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('maximum of 16'),
    });
    await sim.admin('POST', 'faults', { forbidden: ['/v1/webhook_endpoints'] });
    await expect(endpoint('https://example.com/')).rejects.toMatchObject({
      statusCode: 403,
      message: expect.stringContaining('webhook_endpoints_write'),
    });
  });

  it('are the only thing that can be written', async () => {
    const made = await endpoint('https://example.com/hook');
    await expect(stripe.webhookEndpoints.update(made.id, { disabled: true })).rejects.toMatchObject({
      statusCode: 404,
    });
    await expect(stripe.customers.create({ name: 'x' })).rejects.toMatchObject({ statusCode: 404 });
    const customer = (await sim.truth('/v1/customers'))[0].id;
    await expect(stripe.customers.del(customer)).rejects.toMatchObject({ statusCode: 404 });
    expect(await sim.truth('/v1/customers')).toHaveLength(20);
  });
});

describe('deliveries to webhook endpoints', () => {
  it('have the exact event and a signature that the client accepts, once for each endpoint that wants the type', async () => {
    await change('update', '/v1/customers');
    const all = await endpoint('https://example.com/all');
    const some = await endpoint('https://example.com/some', 'product.created', 'customer.deleted');
    await change('create', '/v1/products', { count: 2 });
    await change('update', '/v1/customers');
    await change('delete', '/v1/customers');
    const events = (await sim.truth('/v1/events')).reverse();
    const taken = await take();
    const secretOf = (one: { payload: string; signature: string }) =>
      [all, some].find(({ secret }) => {
        try {
          return verify(one, secret);
        } catch {
          return false;
        }
      });
    const byEndpoint = (of: typeof all) =>
      taken.filter((one) => secretOf(one) === of).map((one) => JSON.parse(one.payload));
    // The first event is from before there was an endpoint.
    expect(byEndpoint(all)).toEqual(events.slice(1));
    expect(byEndpoint(some).map((e) => e.type)).toEqual(['product.created', 'product.created', 'customer.deleted']);
    expect(taken).toHaveLength(7);
    expect(() =>
      verify({ ...(taken[0] as (typeof taken)[0]), payload: `${taken[0]?.payload} ` }, all.secret),
    ).toThrow();
    expect(await take()).toEqual([]);
  });

  it('are signed with the time at which they are taken', async () => {
    const { secret } = await endpoint('https://example.com/');
    await change('update', '/v1/customers');
    await sim.admin('POST', 'clock?advance_s=1000');
    const [one] = await take();
    expect(one?.signature).toMatch(new RegExp(`^t=${testNowS + 1000},v1=[0-9a-f]{64}$`));
    expect(verify(one as never, secret, (testNowS + 1000) * 1000).type).toBe('customer.updated');
    expect(() => verify(one as never, secret, (testNowS + 2000) * 1000)).toThrow(/tolerance/);
  });

  it('come for doubled events twice, and for late ones when they can be seen', async () => {
    await endpoint('https://example.com/');
    await sim.admin('POST', 'faults', { events_doubled: 1, events_late: 1, events_late_seconds: 1 });
    await change('update', '/v1/customers');
    expect(await take()).toEqual([]);
    await sim.admin('POST', 'clock?advance_s=1');
    const ids = (await take()).map(({ payload }) => JSON.parse(payload).id);
    expect(ids).toEqual((await sim.truth('/v1/events')).map((e) => e.id).reverse());
    expect(new Set(ids).size).toBe(2);
  });

  it('are indented and signed as such with --pretty', async () => {
    await sim.close();
    sim = await startSimulator('--count', '/v1/customers=3', '--pretty');
    const headers = { authorization: 'Bearer sk_test_1' };
    const body = new URLSearchParams({ url: 'https://example.com/', 'enabled_events[0]': '*' });
    const made = await fetch(`${sim.url}/v1/webhook_endpoints`, { method: 'POST', headers, body });
    await change('update', '/v1/customers');
    const [one] = await take();
    expect(one?.payload).toMatch(/^\{\n {2}"id": "evt_/);
    expect(verify(one as never, ((await made.json()) as Body).secret)).toEqual((await sim.truth('/v1/events'))[0]);
  });

  it('are made under the version of their endpoint', async () => {
    const url = 'https://example.com/';
    await stripe.webhookEndpoints.create({ url, enabled_events: ['*'], api_version: '2018-05-21' });
    await change('update', '/v1/customers');
    const event = JSON.parse((await take())[0]?.payload ?? '');
    expect(event.api_version).toBe('2018-05-21');
    expect(event.data.object).toHaveProperty('account_balance');
  });

  it('end with their endpoint, whichever way it is deleted', async () => {
    const [first, second] = [await endpoint('https://a.example/'), await endpoint('https://b.example/')];
    await change('update', '/v1/customers');
    await stripe.webhookEndpoints.del(first.id);
    await change('delete', '/v1/webhook_endpoints', { id: second.id });
    await change('update', '/v1/customers');
    expect(await take()).toEqual([]);
  });

  it('are dropped and counted when too many wait', async () => {
    await endpoint('https://example.com/', 'customer.updated');
    await change('update', '/v1/customers', { count: deliveriesMax + 3 });
    const response = await fetch(`${sim.url}/_admin/webhooks/take`, { method: 'POST' });
    expect(response.headers.get('deliveries-dropped')).toBe('3');
    const text = await response.text();
    expect(text.split('\n').length - 1).toBe(deliveriesMax);
    const again = await fetch(`${sim.url}/_admin/webhooks/take`, { method: 'POST' });
    expect([again.headers.get('deliveries-dropped'), await again.text()]).toEqual(['0', '']);
  });
});
