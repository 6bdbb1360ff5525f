import { ConnectorError, systemClock } from '@penstock/connector-sdk';
import type { ConfiguredStream, SourceStateSet } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { builtInTable } from '../streams/stream-table.ts';
import { StripeResponseError } from '../stripe-error.ts';
import { FakeStripe } from '../testing/fake-stripe.ts';
import { configuredStreams, Emitted, quietLog } from '../testing/read-source.ts';
import { readStripe } from './read-stripe.ts';

const DAY_S = 86_400;
const HOUR_S = 3600;

/** How a path is answered in place of what it would say; undefined for that. */
type Refusal = (path: string) => { readonly status: number; readonly error?: object } | undefined;

/** A Stripe that refuses some requests. */
class RefusingStripe extends FakeStripe {
  refusal: Refusal = () => undefined;

  override async get(path: string, signal: AbortSignal) {
    const refused = this.refusal(path);
    if (refused === undefined) return super.get(path, signal);
    this.requests.push(path);
    const headers = { requestId: 'req_1', retryAfterMs: undefined, shouldRetry: undefined };
    const body = refused.error === undefined ? '<html>' : JSON.stringify({ error: refused.error });
    throw new StripeResponseError(path.replace(/\?.*/, ''), refused.status, Buffer.from(body), headers);
  }
}

async function read(
  stripe: FakeStripe,
  streams: readonly ConfiguredStream[],
  more: {
    state?: SourceStateSet;
    cutAfter?: number;
    config?: Record<string, unknown>;
    input?: AsyncIterable<unknown>;
  } = {},
): Promise<Emitted> {
  const { state = { streams: {}, global: {} }, cutAfter = Number.POSITIVE_INFINITY, config = {}, input } = more;
  const emitted = new Emitted(state);
  const context = {
    config: configSchema.parse({ api_key: 'sk_test_1234567890', ...config }),
    catalog: { streams: [...streams] },
    state,
    input,
    signal: new AbortController().signal,
    log: quietLog,
  };
  for await (const output of readStripe(context, stripe, builtInTable, systemClock)) {
    emitted.add(output);
    if (emitted.outputs.length >= cutAfter) break;
  }
  return emitted;
}

const objects = (count: number) => Array.from({ length: count }, (_, i) => ({ id: `obj_${i}`, created: 100 + i }));

it.each([
  [500, 'upstream_failed', { message: 'oh' }],
  [429, 'rate_limited', { message: 'slow' }],
  [401, 'credentials_refused', { message: 'no' }],
  [403, 'request_refused', undefined],
])('ends the run with the error that it is where events are answered with %d', async (status, code, error) => {
  const stripe = new RefusingStripe({ '/v1/customers': objects(3) }, 10_000);
  stripe.refusal = (path) =>
    path.startsWith('/v1/events') ? { status, ...(error === undefined ? {} : { error }) } : undefined;
  const thrown = await read(stripe, await configuredStreams('customers')).catch((cause: unknown) => cause);
  expect(thrown).toBeInstanceOf(ConnectorError);
  expect(thrown).toMatchObject({ code });
});

it('goes on with what was begun after a gap, however long that takes', async () => {
  const stripe = new FakeStripe({ '/v1/customers': objects(1000) }, 100 * DAY_S);
  const streams = await configuredStreams('customers');
  let { state } = await read(stripe, streams);
  stripe.time += 40 * DAY_S;
  let ids: string[] = [];
  for (let i = 0; i < 6; i++) {
    const cut = await read(stripe, streams, { state, cutAfter: 8 });
    ids = [...ids, ...cut.ids('customers')];
    state = cut.state;
    stripe.time += 2 * HOUR_S;
  }
  const last = await read(stripe, streams, { state });
  expect(last.last('customers')).toMatchObject({ status: 'complete' });
  expect(ids.length + last.ids('customers').length).toBeLessThan(1500);
  expect(new Set([...ids, ...last.ids('customers')]).size).toBe(1000);
});

it('asks for no more pages of a list once the only stream that is made of it failed', async () => {
  const all = objects(2000).map((one) => ({
    ...one,
    refunds: { object: 'list', data: [], has_more: true },
  }));
  const stripe = new RefusingStripe({ '/v1/application_fees': all }, 10_000);
  stripe.refusal = (path) => (path.includes('/refunds') ? { status: 500, error: { message: 'oh' } } : undefined);
  const emitted = await read(stripe, await configuredStreams('application_fees_refunds'));
  const pages = stripe.requests.filter((path) => path.startsWith('/v1/application_fees?'));
  expect(emitted.last('application_fees_refunds')).toMatchObject({ status: 'error' });
  expect(pages.length).toBeLessThan(10);
});

it.each([{}, { poll_events: 1 }])(
  'does not wait for its input when no stream is left, with %j',
  async (config) => {
    const stripe = new RefusingStripe({}, 10_000);
    stripe.refusal = (path) =>
      path.startsWith('/v1/customers') ? { status: 500, error: { message: 'oh' } } : undefined;
    const input = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    const emitted = await read(stripe, await configuredStreams('customers'), { config, input });
    expect(emitted.last('customers')).toMatchObject({ status: 'error' });
  },
  5000,
);

it.each([
  ['events', '/v1/events'],
  ['its list', '/v1/customers'],
])('says nothing more of a late stream once it failed by %s', async (_, refused) => {
  const stripe = new RefusingStripe({ '/v1/customers': objects(1000), '/v1/products': objects(3) }, 100 * DAY_S);
  const streams = await configuredStreams('customers', 'products');
  const cut = await read(stripe, streams, { cutAfter: 9 });
  stripe.time += 5 * DAY_S;
  stripe.refusal = (path) => (path.startsWith(refused) ? { status: 500, error: { message: 'oh' } } : undefined);
  const emitted = await read(stripe, streams, { state: cut.state });
  expect(emitted.last('customers')).toMatchObject({ status: 'error' });
  const ofCustomers = emitted.outputs.flatMap((output) => {
    if (output.type === 'record_batch') return output.stream === 'customers' ? ['record'] : [];
    if (output.type === 'source_state') {
      const { source_state: state } = output;
      return state.state_type === 'stream' && state.stream === 'customers' ? ['state'] : [];
    }
    if (output.type !== 'stream_status' || output.stream_status.stream !== 'customers') return [];
    return [output.stream_status.status];
  });
  expect(ofCustomers.at(-1)).toBe('error');
});
