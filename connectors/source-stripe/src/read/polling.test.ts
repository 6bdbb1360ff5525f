import { getEventListeners } from 'node:events';
import { FakeClock } from '@penstock/connector-sdk/testing';
import { beforeEach, expect, it, vi } from 'vitest';
import { globalStateSchema } from '../events/global-state.ts';
import { completedRange } from '../testing/completed-range.ts';
import { configuredStreams, Emitted } from '../testing/read-source.ts';
import { outputsOf, SteadyWorld } from '../testing/read-world.ts';

const BEGIN_S = 1_000_000_000;
const CUSTOMERS = '/v1/customers';
const BALANCE = '/v1/balance_transactions';
const EVERY_S = 60;
/** After which lists are looked at again that events don't tell of. */
const NEWS_AFTER_POLLS = 5;

/** Knows who sleeps. */
class CountingClock extends FakeClock {
  sleeping = 0;

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeping++;
    await super.sleep(ms, signal).finally(() => this.sleeping--);
  }
}

let world: SteadyWorld;
let clock: CountingClock;
let abort: AbortController;
beforeEach(() => {
  world = new SteadyWorld(BEGIN_S - 100, 'customers', 'balance_transactions');
  for (let i = 0; i < 120; i++) for (const path of [CUSTOMERS, BALANCE]) world.create(path, BEGIN_S - 1000 - i);
  world.update(CUSTOMERS, 0);
  world.time = BEGIN_S;
  clock = new CountingClock({ now: BEGIN_S * 1000 });
  abort = new AbortController();
});

/** Begins to poll. `ended` resolves when the run does. */
async function poll(...names: string[]): Promise<{ emitted: Emitted; ended: Promise<void> }> {
  const emitted = new Emitted({ streams: {}, global: {} });
  const streams = await configuredStreams(...names);
  const config = { poll_events: EVERY_S };
  const read = async (): Promise<void> => {
    for await (const output of outputsOf(world, { streams, config, clock, signal: abort.signal })) emitted.add(output);
  };
  return { emitted, ended: read() };
}

/** Resolves when what is to be done before the n-th pause is done. */
async function whenAsleep(n: number): Promise<void> {
  await vi.waitFor(() => expect(clock.slept).toHaveLength(n), { interval: 1, timeout: 60_000 });
}

function pass(seconds: number): void {
  world.time += seconds;
  clock.advance(seconds * 1000);
}

const through = (emitted: Emitted): string | undefined =>
  globalStateSchema.parse(emitted.state.global).events?.cursor.created;

it('emits what changes between two polls, moves the position and what is complete on, and says no end', async () => {
  const { emitted, ended } = await poll('customers');
  await whenAsleep(1);
  expect(emitted.ids('customers')).toHaveLength(120);
  let before = through(emitted);
  let completeUntil = completedRange(emitted, 'customers');
  for (let n = 1; n <= 4; n++) {
    const count = emitted.ids('customers').length;
    if (n !== 3) world.update(CUSTOMERS, n / 10);
    pass(EVERY_S);
    await whenAsleep(n + 1);
    expect(emitted.ids('customers')).toHaveLength(n === 3 ? count : count + 1);
    expect(Date.parse(through(emitted)!)).toBeGreaterThan(Date.parse(before!));
    const now = completedRange(emitted, 'customers');
    // From where it was, without a gap.
    expect(now.gte).toBe(completeUntil.gte);
    expect(now.lt).toBe(completeUntil.lt + EVERY_S);
    before = through(emitted);
    completeUntil = now;
  }
  abort.abort(new Error('stop'));
  await ended;
  const statuses = (emitted.statuses.get('customers') ?? []).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set(['start', 'range_complete']));
});

it('asks for nothing but a page of events in each poll, and looks at lists that events do not tell of every five minutes', async () => {
  const { emitted, ended } = await poll('customers', 'balance_transactions');
  await whenAsleep(1);
  world.takeRequests();
  world.create(BALANCE);
  for (let n = 1; n < NEWS_AFTER_POLLS; n++) {
    pass(EVERY_S);
    await whenAsleep(n + 1);
    expect(world.takeRequests()).toEqual(['/v1/events']);
  }
  expect(emitted.ids('balance_transactions')).toHaveLength(120);
  pass(EVERY_S);
  await whenAsleep(NEWS_AFTER_POLLS + 1);
  expect(world.takeRequests().sort()).toEqual([BALANCE, '/v1/events']);
  expect(emitted.ids('balance_transactions')).toHaveLength(121);
  abort.abort(new Error('stop'));
  await ended;
  expect(emitted.last('balance_transactions')).toMatchObject({ status: 'range_complete' });
});

it('ends at once when it is stopped while it sleeps, and leaves nothing behind', async () => {
  const { emitted, ended } = await poll('customers');
  await whenAsleep(1);
  const count = emitted.outputs.length;
  abort.abort(new Error('stop'));
  await ended;
  expect(emitted.outputs).toHaveLength(count);
  // A sleep that went on would keep the process alive.
  await vi.waitFor(() => expect(clock.sleeping).toBe(0), { interval: 1, timeout: 60_000 });
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
});

it('ends at once when it is stopped while a request is under way', async () => {
  const { ended } = await poll('customers');
  await whenAsleep(1);
  const asked = Promise.withResolvers<void>();
  world.detours.set('/v1/events', () => {
    asked.resolve();
    return new Promise<never>(() => undefined);
  });
  pass(EVERY_S);
  await asked.promise;
  abort.abort(new Error('stop'));
  await ended;
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
});

it('ends when events can not be read any more, since nothing is left to wait for', async () => {
  const { emitted, ended } = await poll('customers');
  await whenAsleep(1);
  world.refuse('/v1/events', 503);
  pass(EVERY_S);
  await ended;
  expect(emitted.last('customers')).toMatchObject({ status: 'error', failure_type: 'transient' });
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
});

it('holds no more after a thousand polls than after ten', async () => {
  clock = new CountingClock({ now: BEGIN_S * 1000, autoAdvance: true });
  const streams = await configuredStreams('customers', 'balance_transactions');
  const sizes: { readonly state: number; readonly listeners: number }[] = [];
  let polls = 0;
  let state = '';
  world.detours.set('/v1/events', () => {
    world.time += EVERY_S;
    world.update(CUSTOMERS, (polls % 100) / 100);
    sizes.push({ state: state.length, listeners: getEventListeners(world.lastSignal!, 'abort').length });
    if (++polls === 1000) abort.abort(new Error('enough'));
    return undefined;
  });
  const reading = { streams, config: { poll_events: EVERY_S }, clock, signal: abort.signal };
  let records = 0;
  for await (const output of outputsOf(world, reading)) {
    if (output.type === 'record_batch') records += output.data.length;
    if (output.type === 'source_state' && output.source_state.state_type === 'global') {
      state = JSON.stringify(output.source_state.data);
    }
  }
  expect(polls).toBe(1000);
  expect(records).toBeGreaterThan(1200);
  const [early, late] = [sizes.slice(5, 15), sizes.slice(-10)];
  const most = (of: typeof sizes, what: 'state' | 'listeners'): number => Math.max(...of.map((size) => size[what]));
  expect(most(late, 'listeners')).toBeLessThanOrEqual(most(early, 'listeners'));
  expect(most(late, 'state')).toBeLessThanOrEqual(most(early, 'state') + 20);
});
