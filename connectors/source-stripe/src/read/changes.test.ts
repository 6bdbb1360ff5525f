import type { Clock } from '@penstock/connector-sdk';
import { FakeClock } from '@penstock/connector-sdk/testing';
import type { SourceStateSet } from '@penstock/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { globalStateSchema } from '../events/global-state.ts';
import { instantOf } from '../ranges/stream-state.ts';
import { KeptLog } from '../testing/kept-log.ts';
import { ModelDestination } from '../testing/model-destination.ts';
import { configuredStreams, Emitted } from '../testing/read-source.ts';
import { outputsOf, SteadyWorld, type WorldReading } from '../testing/read-world.ts';

const BEGIN_S = 1_000_000_000;
const DAY_S = 86_400;
/** Everything is told of the first two, nothing of the last one. */
const NAMES = ['charges', 'customers', 'balance_transactions'] as const;
const CHARGES = '/v1/charges';
const CUSTOMERS = '/v1/customers';
const BALANCE = '/v1/balance_transactions';

let world: SteadyWorld;
let log: KeptLog;
beforeEach(() => {
  world = new SteadyWorld(BEGIN_S, ...NAMES);
  log = new KeptLog();
  for (let i = 0; i < 250; i++)
    for (const path of [CHARGES, CUSTOMERS, BALANCE]) world.create(path, BEGIN_S - 1000 - i);
  // So that there is an event to begin after.
  world.time = BEGIN_S - 50;
  world.update(CUSTOMERS, 0);
  world.time = BEGIN_S;
});

async function read(state: SourceStateSet | undefined, more: Partial<WorldReading> = {}): Promise<Emitted> {
  const emitted = new Emitted(state ?? { streams: {}, global: {} });
  const reading = { streams: await configuredStreams(...NAMES), state: emitted.state, log, ...more };
  for await (const output of outputsOf(world, reading)) emitted.add(output);
  return emitted;
}

const completeNames = (emitted: Emitted): string[] =>
  [...emitted.statuses.keys()].filter((name) => emitted.last(name)?.status === 'complete').sort();

describe('a run after the first one', () => {
  it('asks for the account and one page of events where nothing happened, and for no list that events tell of', async () => {
    const { state } = await read(undefined);
    world.time += 600;
    world.takeRequests();
    const streams = await configuredStreams('charges', 'customers');
    const again = await read(state, { streams });
    expect(world.takeRequests().sort()).toEqual(['/v1/account', '/v1/events']);
    expect(again.records.size).toBe(0);
    expect(completeNames(again)).toEqual(['charges', 'customers']);
  });

  it('asks for nothing more than pages of events where much happened, and ends as the truth is', async () => {
    const destination = new ModelDestination();
    const streams = await configuredStreams('charges', 'customers');
    for await (const output of outputsOf(world, { streams })) destination.add(output);
    world.time += 100;
    for (let i = 0; i < 350; i++) {
      if (i % 50 === 0) world.delete(CUSTOMERS, i / 350);
      else if (i % 10 === 0) world.create(CHARGES);
      else world.update(i % 2 === 0 ? CHARGES : CUSTOMERS, ((i * 37) % 350) / 350);
      if (i % 7 === 0) world.time++;
    }
    world.time += 100;
    world.takeRequests();
    for await (const output of outputsOf(world, { streams, state: destination.state })) destination.add(output);
    expect(world.takeRequests().sort()).toEqual(['/v1/account', ...Array(4).fill('/v1/events')]);
    expect(destination.live('charges')).toEqual(world.truth(CHARGES));
    expect(destination.live('customers')).toEqual(world.truth(CUSTOMERS));
  });

  it('reads a stream that joins the catalog later from its list and, from then on, from events', async () => {
    const first = await read(undefined, { streams: await configuredStreams('charges') });
    world.time += 100;
    world.update(CUSTOMERS, 0.3);
    world.update(CHARGES, 0.3);
    world.time += 100;
    const second = await read(first.state);
    expect(second.ids('charges')).toHaveLength(1);
    expect(new Set(second.ids('customers'))).toEqual(new Set(world.truth(CUSTOMERS).keys()));
    expect(completeNames(second)).toEqual([...NAMES].sort());
    world.update(CUSTOMERS, 0.6);
    world.time += 100;
    world.takeRequests();
    const third = await read(second.state);
    expect(third.ids('customers')).toHaveLength(1);
    expect(world.takeRequests()).not.toContain(CUSTOMERS);
  });

  it('reads everything again, and says why, when Stripe has no longer all events since the last one', async () => {
    const { state } = await read(undefined);
    world.time += DAY_S;
    world.update(CUSTOMERS, 0.5);
    world.time += 30 * DAY_S;
    const streams = await configuredStreams('charges', 'customers');
    const again = await read(state, { streams });
    expect(log.of('warn')).toEqual([expect.stringMatching(/30 days.*charges, customers.*read whole/)]);
    expect(again.ids('customers')).toEqual([...world.truth(CUSTOMERS).keys()].sort());
    expect(completeNames(again)).toEqual(['charges', 'customers']);
    world.time += 100;
    world.takeRequests();
    await read(again.state, { streams });
    expect(world.takeRequests()).not.toContain(CUSTOMERS);
    expect(log.of('warn')).toHaveLength(1);
  });

  it('is not begun with the state of another account', async () => {
    const { state } = await read(undefined);
    const other = { ...state, global: { ...state.global, account: { id: 'acct_other' } } };
    await expect(read(other)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/acct_other.*acct_1/),
    });
  });

  it.each([
    ['a position without a time', { events: { cursor: { id: 'evt_1' } } }, 'events.cursor.created'],
    ['an account without an id', { account: {} }, 'account.id'],
    ['a list in its place', { events: [] }, 'events'],
  ])('refuses a global state that has %s', async (_, global, where) => {
    const { state } = await read(undefined);
    await expect(read({ ...state, global })).rejects.toMatchObject({
      code: 'state_invalid',
      message: expect.stringContaining(where),
    });
  });

  it('keeps the time of the account, and uses it when /v1/account has none any more', async () => {
    const answer = (more: object) => JSON.stringify({ id: 'acct_1', object: 'account', ...more });
    world.detours.set('/v1/account', () => answer({ created: BEGIN_S - 5000 }));
    const first = await read(undefined, { streams: await configuredStreams('charges') });
    world.detours.set('/v1/account', () => answer({}));
    world.requests.length = 0;
    const second = await read(first.state);
    const listed = world.requests.find((path) => path.startsWith(CUSTOMERS));
    expect(new URL(listed!, 'http://stripe').searchParams.get('created[gte]')).toBe(String(BEGIN_S - 5000));
    expect(globalStateSchema.parse(second.state.global).account).toEqual({
      id: 'acct_1',
      created: instantOf(BEGIN_S - 5000),
    });
  });
});

describe('an end of the time range', () => {
  it('that lies ahead of the events is that of the run: what happened at it or later comes in the next one', async () => {
    const [customers] = await configuredStreams('customers');
    const { state } = await read(undefined, { streams: [customers!] });
    const endS = BEGIN_S + 30;
    const ids: string[] = [];
    for (const second of [endS - 1, endS, endS + 20]) {
      world.time = second;
      world.create(CUSTOMERS);
      ids.push([...world.truth(CUSTOMERS).keys()].at(-1)!);
    }
    world.time = endS + 200;
    const second = await read(state, { streams: [{ ...customers!, time_range: { lt: instantOf(endS) } }] });
    expect(second.ids('customers')).toEqual([ids[0]]);
    expect(second.last('customers')).toMatchObject({ status: 'complete' });
    const third = await read(second.state, { streams: [customers!] });
    expect(third.ids('customers')).toEqual([ids[1], ids[2]].sort());
    const fourth = await read(third.state, { streams: [customers!] });
    expect(fourth.records.size).toBe(0);
  });

  it("that lies behind is the user's: older objects come when they change, newer ones don't", async () => {
    const [customers] = await configuredStreams('customers');
    const streams = [{ ...customers!, time_range: { lt: instantOf(BEGIN_S - 1100) } }];
    const first = await read(undefined, { streams });
    expect(first.ids('customers')).toHaveLength(149);
    world.time += 100;
    for (let i = 0; i < 250; i++) world.update(CUSTOMERS, i / 250);
    world.time += 100;
    world.create(CUSTOMERS);
    // So lately that its event lies beyond the position, where those that came are remembered one by one.
    world.time += 5;
    const second = await read(first.state, { streams });
    expect(second.ids('customers')).toEqual(first.ids('customers'));
    expect(second.records.get('customers')?.every(({ revision }) => revision !== 0)).toBe(true);
    world.time += 100;
    const third = await read(second.state, { streams: [customers!] });
    const all = new Set([...second.ids('customers'), ...third.ids('customers')]);
    expect(all).toEqual(new Set(world.truth(CUSTOMERS).keys()));
  });
});

describe('events that can not be read', () => {
  it('because the key may not: one warning, and lists tell of what is new', async () => {
    world.refuse('/v1/events', 403);
    const first = await read(undefined);
    expect(completeNames(first)).toEqual([...NAMES].sort());
    expect(log.of('warn')).toEqual([expect.stringMatching(/may not read events \(HTTP 403\).*read permission/)]);
    world.time += 100;
    world.create(CHARGES);
    world.create(CUSTOMERS);
    world.time += 100;
    const second = await read(first.state);
    expect(second.ids('charges')).toHaveLength(1);
    expect(second.ids('customers')).toHaveLength(1);
    expect(completeNames(second)).toEqual([...NAMES].sort());
    expect(log.of('warn')).toHaveLength(2);
  });

  it('because the key no longer may: the streams that they feed say so', async () => {
    const { state } = await read(undefined);
    world.refuse('/v1/events', 403);
    world.time += 100;
    const second = await read(state);
    for (const name of ['charges', 'customers']) {
      expect(second.last(name)).toMatchObject({
        status: 'error',
        failure_type: 'config',
        error: expect.stringMatching(/\/v1\/events.*read permission/),
      });
    }
    expect(completeNames(second)).toEqual(['balance_transactions']);
  });

  it('for some time: the streams that they feed end in error, the others are complete, and the next run catches up', async () => {
    const before = (await read(undefined)).state;
    world.time += 100;
    world.update(CUSTOMERS, 0.5);
    world.create(BALANCE);
    world.time += 100;
    world.refuse('/v1/events', 503);
    const failed = await read(before);
    for (const name of ['charges', 'customers']) {
      const ends = failed.statuses.get(name)?.filter(({ status }) => status !== 'range_complete');
      expect(ends?.map(({ status }) => status)).toEqual(['start', 'error']);
      expect(failed.last(name)).toMatchObject({ failure_type: 'transient', error: expect.stringContaining('503') });
    }
    expect(completeNames(failed)).toEqual(['balance_transactions']);
    expect(failed.ids('balance_transactions').length).toBeGreaterThan(0);
    world.detours.clear();
    const next = await read(failed.state);
    expect(completeNames(next)).toEqual([...NAMES].sort());
    expect(next.records.get('customers')?.some(({ revision }) => revision !== 0)).toBe(true);
  });

  it.each([['/v1/events'], [CUSTOMERS], [BALANCE]])('ends the run when the key is refused at %s', async (path) => {
    world.refuse(path, 401);
    await expect(read(undefined)).rejects.toMatchObject({ code: 'credentials_refused' });
  });

  it('ends the run when the key is refused between two pages, and what came before is kept', async () => {
    const { state } = await read(undefined);
    world.time += 100;
    for (let i = 0; i < 250; i++) world.update(CUSTOMERS, i / 250);
    world.time += 100;
    let count = 0;
    world.detours.set('/v1/events', () => {
      if (++count === 2) world.refuse('/v1/events', 401);
      return undefined;
    });
    const emitted = new Emitted(state);
    const streams = await configuredStreams('customers');
    const reading = async (): Promise<void> => {
      for await (const output of outputsOf(world, { streams, state })) emitted.add(output);
    };
    await expect(reading()).rejects.toMatchObject({ code: 'credentials_refused' });
    world.detours.clear();
    const rest = await read(emitted.state, { streams });
    expect(emitted.ids('customers').length).toBeGreaterThanOrEqual(100);
    expect(emitted.ids('customers').length + rest.ids('customers').length).toBe(250);
  });
});

describe('a clock of Stripe that is not ours', () => {
  /** Tells our own time until there was an answer, as the client does. */
  class SkewedWorld extends SteadyWorld {
    readonly #ours: Clock;

    constructor(ours: Clock) {
      super(BEGIN_S, ...NAMES);
      this.#ours = ours;
    }

    override now(): number {
      return this.requests.length === 0 ? Math.floor(this.#ours.now() / 1000) : this.time;
    }
  }

  it.each([
    ['an hour ahead', 3600],
    ['an hour behind', -3600],
  ])('and is %s loses nothing', async (_, offsetS) => {
    const clock = new FakeClock({ now: (BEGIN_S - offsetS) * 1000 });
    const skewed = new SkewedWorld(clock);
    for (let i = 0; i < 250; i++)
      for (const path of [CHARGES, CUSTOMERS, BALANCE]) skewed.create(path, BEGIN_S - 20 - 3 * i);
    const destination = new ModelDestination();
    const streams = await configuredStreams(...NAMES);
    for (let run = 0; run < 4; run++) {
      skewed.requests.length = 0;
      const { state } = destination;
      const during = { count: 0 };
      skewed.detours.set(CHARGES, () => {
        if (during.count++ < 3) {
          skewed.update(CHARGES, 0.1 * during.count);
          skewed.create(CUSTOMERS);
          skewed.time += 1;
        }
        return undefined;
      });
      for await (const output of outputsOf(skewed, { streams, state, clock })) destination.add(output);
      for (const path of [CHARGES, CUSTOMERS, BALANCE]) skewed.create(path);
      skewed.update(CUSTOMERS, run / 4);
      skewed.delete(CUSTOMERS, 0.9);
      skewed.time += 100;
      clock.advance(100_000);
    }
    skewed.detours.clear();
    skewed.requests.length = 0;
    for await (const output of outputsOf(skewed, { streams, state: destination.state, clock })) destination.add(output);
    expect(destination.live('charges')).toEqual(skewed.truth(CHARGES));
    expect(destination.live('customers')).toEqual(skewed.truth(CUSTOMERS));
    expect(new Set(destination.live('balance_transactions').keys())).toEqual(new Set(skewed.truth(BALANCE).keys()));
  });
});
