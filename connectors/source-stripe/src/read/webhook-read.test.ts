import { PassThrough } from 'node:stream';
import Stripe from 'stripe';
import { beforeEach, expect, it, vi } from 'vitest';
import { KeptLog } from '../testing/kept-log.ts';
import { ModelDestination } from '../testing/model-destination.ts';
import { configuredStreams, Emitted } from '../testing/read-source.ts';
import { outputsOf, SteadyWorld } from '../testing/read-world.ts';
import { WORLD_VERSION } from '../testing/stripe-world.ts';

const BEGIN_S = 1_000_000_000;
const CUSTOMERS = '/v1/customers';
const SECRET = 'whsec_ofTheEndpoint1234';

let world: SteadyWorld;
let log: KeptLog;
let input: PassThrough;
beforeEach(() => {
  world = new SteadyWorld(BEGIN_S - 100, 'customers', 'charges');
  for (let i = 0; i < 120; i++) for (const path of [CUSTOMERS, '/v1/charges']) world.create(path, BEGIN_S - 1000 - i);
  world.update(CUSTOMERS, 0);
  world.time = BEGIN_S;
  log = new KeptLog();
  input = new PassThrough({ objectMode: true });
});

interface Reading {
  readonly emitted: Emitted;
  readonly destination: ModelDestination;
  readonly ended: Promise<void>;
}

async function read(...names: string[]): Promise<Reading> {
  const emitted = new Emitted({ streams: {}, global: {} });
  const destination = new ModelDestination();
  const streams = await configuredStreams(...names);
  const consume = async (): Promise<void> => {
    for await (const output of outputsOf(world, { streams, config: { webhook_secret: SECRET }, input, log })) {
      emitted.add(output);
      destination.add(output);
    }
  };
  return { emitted, destination, ended: consume() };
}

/** What comes to the webhook endpoint about a customer. */
function delivery(id: string, more: object = {}, secret = SECRET): { payload: string; signature: string } {
  const object = { id, object: 'customer', created: BEGIN_S - 1000, date: 0, active: true, revision: 7, ...more };
  const event = { id: `evt_${id}`, object: 'event', api_version: WORLD_VERSION, created: world.time };
  const payload = JSON.stringify({ ...event, type: 'customer.updated', data: { object } });
  const timestamp = world.time;
  return { payload, signature: Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }) };
}

const until = (condition: () => void): Promise<void> => vi.waitFor(condition, { interval: 1, timeout: 60_000 });

/** Keeps the first page of a list back. @returns what lets it go */
function holdBack(path: string): () => void {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  world.detours.set(path, () => promise);
  return () => resolve(undefined);
}

it('emits what comes in for its stream while the lists are still read', async () => {
  const letGo = holdBack(CUSTOMERS);
  // With more than one slot, the other list is not held back.
  world.latencyMs = 50;
  const { emitted, destination, ended } = await read('customers', 'charges');
  await until(() => expect(emitted.ids('charges')).toHaveLength(120));
  world.update(CUSTOMERS, 0.5);
  const changed = [...world.truth(CUSTOMERS).values()].find(({ revision }, i) => i > 0 && revision === 1)!;
  input.write(delivery(changed.id as string, changed));
  await until(() => expect(emitted.ids('customers')).toEqual([changed.id]));
  expect(emitted.records.get('customers')).toEqual([{ ...changed, _account_id: 'acct_1', _as_of: BEGIN_S }]);
  world.time += 60;
  letGo();
  input.end();
  await ended;
  expect(emitted.last('customers')).toMatchObject({ status: 'complete' });
  expect(destination.live('customers')).toEqual(world.truth(CUSTOMERS));
});

it('refuses what is not signed with the secret, says so without showing it, and goes on', async () => {
  const { emitted, ended } = await read('customers');
  input.write(delivery('cus_forged', {}, 'whsec_ofSomebodyElse'));
  input.write({ ...delivery('cus_changed'), payload: '{"id":"evt_1","object":"event"}' });
  input.write({ id: 'evt_2', object: 'event', type: 'customer.updated' });
  input.write(delivery('cus_good'));
  await until(() => expect(emitted.ids('customers')).toContain('cus_good'));
  input.end();
  await ended;
  expect(log.of('warn')).toEqual([
    expect.stringContaining('not of this payload and secret'),
    expect.stringContaining('not of this payload and secret'),
    expect.stringContaining('no signature'),
  ]);
  expect(JSON.stringify(log.lines)).not.toMatch(/whsec|v1=/);
  expect(emitted.ids('customers')).not.toContain('cus_forged');
  expect(emitted.last('customers')).toMatchObject({ status: 'complete' });
});

it('says no end while there is input, and looks at the events once more when it ends', async () => {
  const { emitted, ended } = await read('customers');
  await until(() => expect(emitted.ids('customers')).toHaveLength(120));
  await until(() => expect(world.requests.filter((path) => path.startsWith('/v1/events'))).toHaveLength(2));
  // Everything is read: nothing but an event that is taken shows that it still listens.
  input.write(delivery('cus_while_waiting'));
  await until(() => expect(emitted.ids('customers')).toContain('cus_while_waiting'));
  expect(emitted.last('customers')?.status).not.toBe('complete');
  world.time += 100;
  world.create(CUSTOMERS);
  const created = [...world.truth(CUSTOMERS).keys()].at(-1)!;
  world.time += 100;
  input.end();
  await ended;
  expect(emitted.ids('customers')).toContain(created);
  expect(emitted.last('customers')).toMatchObject({ status: 'complete' });
  expect(emitted.statuses.get('customers')?.filter(({ status }) => status === 'complete')).toHaveLength(1);
});

it('passes over events that the stream has already, and those of streams that are not in the catalog', async () => {
  const { emitted, ended } = await read('charges');
  await until(() => expect(emitted.ids('charges')).toHaveLength(120));
  const payload = JSON.stringify({
    ...{ id: 'evt_old', object: 'event', api_version: WORLD_VERSION, created: BEGIN_S - 500, type: 'charge.updated' },
    data: { object: { id: 'ch_old', object: 'charge', created: BEGIN_S - 1000, date: 0, active: true, revision: 1 } },
  });
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp: world.time });
  input.write({ payload, signature });
  input.write(delivery('cus_1'));
  input.end();
  await ended;
  expect([...emitted.records.keys()]).toEqual(['charges']);
  expect(emitted.ids('charges')).toHaveLength(120);
  expect(log.of('warn')).toEqual([]);
});

it('ends with the error of an input that fails, also while lists are read', async () => {
  holdBack(CUSTOMERS);
  const { ended } = await read('customers');
  input.destroy(new Error('the input broke'));
  await expect(ended).rejects.toThrow('the input broke');
});
