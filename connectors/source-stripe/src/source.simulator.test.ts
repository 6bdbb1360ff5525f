import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VISIBILITY_MARGIN_S } from './pages/fetch-page.ts';
import { type StripeStream, streams } from './streams/stream-table.ts';
import { configuredStreams, type Emitted, readSource } from './testing/read-source.ts';
import { type SimulatorProcess, startSimulator } from './testing/simulator.ts';

const unread = { streams: {}, global: {} };
const second = (at: number): string => new Date(at * 1000).toISOString();

interface EmbeddedList {
  readonly has_more: boolean;
  readonly data: readonly { readonly id: string }[];
}

/** Lists that the truth shows the first page of, as they have to be: whole, and beginning with that page. */
function completed(
  object: Record<string, unknown>,
  truth: Record<string, unknown>,
  { embeddedLists = [] }: StripeStream,
): Record<string, unknown> {
  const cutOff = embeddedLists.filter(
    ({ property }) => (truth[property] as EmbeddedList | undefined)?.has_more === true,
  );
  return Object.fromEntries(
    cutOff.map(({ property }) => {
      const [shown, whole] = [truth[property] as EmbeddedList, object[property] as EmbeddedList];
      expect(whole.data.slice(0, shown.data.length)).toEqual(shown.data);
      expect(whole.data.length).toBeGreaterThan(shown.data.length);
      return [property, { ...shown, data: whole.data, has_more: false }];
    }),
  );
}

function expectEnds(emitted: Emitted, names: readonly string[]): void {
  for (const name of names) {
    const ends = (emitted.statuses.get(name) ?? []).filter((s) => ['complete', 'error', 'skip'].includes(s.status));
    expect(ends, name).toHaveLength(1);
    expect(emitted.last(name), name).toBe(ends[0]);
  }
}

describe('an account without trouble', () => {
  let simulator: SimulatorProcess;
  let config: Record<string, unknown>;
  beforeAll(async () => {
    simulator = await startSimulator('--objects', '6000');
    config = { base_url: simulator.url };
  });
  afterAll(() => simulator.stop());

  it.each([
    ['on one line', []],
    ['indented, as Stripe does it', ['--pretty']],
  ])(
    'is read completely from answers %s: every stream equals the truth, each object once and with its content',
    async (_, options) => {
      await using simulator = await startSimulator('--objects', '6000', ...options);
      // The simulator's clock is ours.
      const startedAt = Math.floor(Date.now() / 1000);
      const emitted = await readSource({ config: { base_url: simulator.url }, streams: await configuredStreams() });
      const endedAt = Math.floor(Date.now() / 1000);
      expectEnds(emitted, [...streams.keys()]);
      for (const stream of streams.values()) {
        expect(emitted.last(stream.name), stream.name).toMatchObject({ status: 'complete' });
        expect(emitted.ids(stream.name), stream.name).toEqual(await simulator.truth(stream.path));
        const truth = await simulator.objects(stream.path);
        for (const { _account_id, _as_of, ...object } of emitted.records.get(stream.name) ?? []) {
          const expected = truth.get(object.id as string) as Record<string, unknown>;
          expect(object).toEqual({ ...expected, ...completed(object, expected, stream) });
          expect(_account_id).toMatch(/^acct_/);
          const readAt = (_as_of as number) + VISIBILITY_MARGIN_S;
          if (readAt < startedAt || readAt > endedAt)
            expect.fail(`${stream.name}: _as_of ${_as_of}, read from ${startedAt}`);
        }
      }
    },
  );

  it('is read with hardly more requests than there are full pages', async () => {
    await simulator.admin('reset', {});
    const configured = await configuredStreams('balance_transactions', 'coupons', 'payouts', 'refunds');
    const emitted = await readSource({ config: { ...config, rate_limit: 100 }, streams: configured });
    const counts = JSON.parse(await simulator.admin('requests')) as {
      by_path: Record<string, Record<string, number>>;
    };
    for (const { name } of configured.map(({ stream }) => stream)) {
      const full = Math.ceil(emitted.ids(name).length / 100);
      const asked = counts.by_path[streams.get(name)!.path]?.[200];
      expect(asked, name).toBeGreaterThanOrEqual(full);
      expect(asked, name).toBeLessThanOrEqual(Math.ceil(1.06 * full) + 1);
    }
    // Where the events are before the first page, and what they tell after the last.
    expect(counts.by_path).toMatchObject({ '/v1/account': { 200: 1 }, '/v1/events': { 200: 2 } });
  });

  it('loses nothing when it is stopped at any message with many pages under way, and goes on from the last checkpoint', async () => {
    const names = ['charges', 'customers', 'prices', 'subscriptions', 'payment_methods', 'v2_core_events', 'events'];
    const configured = await configuredStreams(...names);
    const whole = await readSource({ config, streams: configured });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: whole.outputs.length }), { minLength: 1, maxLength: 5 }),
        async (cuts) => {
          let state = unread as Emitted['state'];
          const committed = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
          for (const cutAfter of [...cuts, Number.POSITIVE_INFINITY]) {
            const emitted = await readSource({ config, streams: configured, state, cutAfter });
            // What came after a stream's last checkpoint may have been lost on the way.
            const after = new Map<string, string[]>();
            for (const output of emitted.outputs) {
              if (output.type === 'record_batch') {
                const ids = output.data.map((data) => JSON.parse(data.toString()).id as string);
                after.set(output.stream, [...(after.get(output.stream) ?? []), ...ids]);
              } else if (output.type === 'source_state' && output.source_state.state_type === 'stream') {
                const { stream } = output.source_state;
                for (const id of after.get(stream) ?? []) committed.get(stream)?.add(id);
                after.delete(stream);
              }
            }
            state = emitted.state;
          }
          for (const name of names) {
            expect([...(committed.get(name) ?? [])].sort(), name).toEqual(whole.ids(name));
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('is not read again where nothing is left, and still ends every stream', async () => {
    const configured = (await configuredStreams('charges', 'customers')).map((stream) => ({
      ...stream,
      time_range: { lt: second(Math.floor(Date.now() / 1000) - 60) },
    }));
    const first = await readSource({ config, streams: configured });
    expect(first.ids('charges').length).toBeGreaterThan(100);
    const again = await readSource({ config, streams: configured, state: first.state });
    expect(again.records.size).toBe(0);
    expectEnds(again, ['charges', 'customers']);
    expect(again.statuses.get('charges')?.map((s) => s.status)).toEqual(['start', 'range_complete', 'complete']);
    expect(again.state).toEqual(first.state);
  });

  it('is read in windows that move, without a gap and without an object outside of them', async () => {
    const [charges] = await configuredStreams('charges');
    const times = [...(await simulator.objects('/v1/charges')).values()]
      .map((o) => o.created as number)
      .sort((a, b) => a - b);
    const at = (share: number): number => times[Math.floor((times.length - 1) * share)] as number;
    let state = unread as Emitted['state'];
    const seen = new Set<string>();
    for (const [gte, lt] of [
      [at(0.4), at(0.6)],
      [at(0.2), at(0.6)],
      [at(0.2), at(0.9)],
    ]) {
      const time_range = { gte: second(gte as number), lt: second(lt as number) };
      const emitted = await readSource({ config, streams: [{ ...charges!, time_range }], state });
      for (const record of emitted.records.get('charges') ?? []) {
        expect(record.created).toBeGreaterThanOrEqual(gte as number);
        expect(record.created).toBeLessThan(lt as number);
        expect(seen.has(record.id as string)).toBe(false);
        seen.add(record.id as string);
      }
      state = emitted.state;
    }
    const inside = [...(await simulator.objects('/v1/charges')).values()].filter(
      (o) => (o.created as number) >= at(0.2) && (o.created as number) < at(0.9),
    );
    expect([...seen].sort()).toEqual(inside.map((o) => o.id as string).sort());
  });

  it('stops at the limit of the backfill and goes on when it is higher', async () => {
    const configured = (await configuredStreams('charges')).map((s) => ({ ...s, backfill_limit: 130 }));
    const first = await readSource({ config, streams: configured });
    expect(first.ids('charges')).toHaveLength(130);
    expect(first.last('charges')).toMatchObject({ status: 'complete' });
    const same = await readSource({ config, streams: configured, state: first.state });
    expect(same.ids('charges')).toHaveLength(0);
    const rest = await readSource({ config, streams: await configuredStreams('charges'), state: same.state });
    expect([...first.ids('charges'), ...rest.ids('charges')].sort()).toEqual(await simulator.truth('/v1/charges'));
  });

  it('answers a stream that does not exist with names that are alike, and reads the others', async () => {
    const [customers] = await configuredStreams('customers');
    const unknown = { ...customers!, stream: { ...customers!.stream, name: 'sessions' } };
    const emitted = await readSource({ config, streams: [unknown, customers!] });
    expect(emitted.last('sessions')).toMatchObject({
      status: 'error',
      failure_type: 'config',
      error: expect.stringContaining('checkout_sessions'),
    });
    expect(emitted.last('customers')).toMatchObject({ status: 'complete' });
  });

  it('says nothing of a stream when it is told to stop', async () => {
    const abort = new AbortController();
    abort.abort(new Error('stop'));
    const emitted = await readSource({ config, streams: await configuredStreams(), signal: abort.signal });
    expect(emitted.outputs).toEqual([]);
  });
});

describe('an account with trouble', () => {
  let simulator: SimulatorProcess;
  beforeAll(async () => {
    simulator = await startSimulator(
      ...['--objects', '3000', '--error-rate', '0.05', '--reset-rate', '0.05', '--forbidden', '/v1/charges'],
      ...['--not-enabled', '/v1/issuing/cards', '--garbage', '/v1/refunds', '--count', '/v1/invoices=1000'],
    );
  });
  afterAll(() => simulator.stop());

  it('is read but for the streams that it concerns, which say why', async () => {
    const configured = await configuredStreams();
    const emitted = await readSource({ config: { base_url: simulator.url }, streams: configured });
    expectEnds(emitted, [...streams.keys()]);
    expect(emitted.last('charges')).toMatchObject({
      status: 'skip',
      reason: expect.stringMatching(/403.*read permission/),
    });
    expect(emitted.last('issuing_cards')).toMatchObject({
      status: 'skip',
      reason: expect.stringContaining('Enable Issuing'),
    });
    expect(emitted.last('refunds')).toMatchObject({ status: 'error', error: expect.stringContaining('not a list') });
    for (const stream of streams.values()) {
      if (['charges', 'issuing_cards', 'refunds'].includes(stream.name)) continue;
      expect(emitted.ids(stream.name), stream.name).toEqual(await simulator.truth(stream.path));
    }
  });

  it('is read completely where it allows a tenth of the configured rate', async () => {
    await simulator.admin('faults', { error_rate: 0, reset_rate: 0, rate_limit: 40 });
    const configured = await configuredStreams('customers', 'invoices', 'products', 'events');
    const config = { base_url: simulator.url, rate_limit: 400 };
    const emitted = await readSource({ config, streams: configured });
    await simulator.admin('faults', { rate_limit: null });
    for (const { stream } of configured) {
      expect(emitted.last(stream.name)).toMatchObject({ status: 'complete' });
      expect(emitted.ids(stream.name)).toEqual(await simulator.truth(streams.get(stream.name)!.path));
    }
  });

  it('goes on from the last second when the object under the cursor was deleted meanwhile', async () => {
    await simulator.admin('faults', { error_rate: 0, reset_rate: 0 });
    const config = { base_url: simulator.url };
    const configured = await configuredStreams('invoices');
    const cut = await readSource({ config, streams: configured, cutAfter: 40 });
    const saved = cut.state.streams.invoices as { remaining: { cursor: string | null }[] };
    const cursor = saved.remaining.find((range) => range.cursor !== null)?.cursor;
    expect(cursor).toBeTypeOf('string');
    await simulator.admin('objects/delete', { path: '/v1/invoices', id: cursor });
    const rest = await readSource({ config, streams: configured, state: cut.state });
    expect(rest.last('invoices')).toMatchObject({ status: 'complete' });
    const all = new Set([...cut.ids('invoices'), ...rest.ids('invoices')]);
    all.delete(cursor as string);
    expect([...all].sort()).toEqual(await simulator.truth('/v1/invoices'));
  });

  it('reads again only a page or two more than what the cursor had left', async () => {
    const config = { base_url: simulator.url };
    const configured = await configuredStreams('invoices');
    const cut = await readSource({ config, streams: configured, cutAfter: 40 });
    const rest = await readSource({ config, streams: configured, state: cut.state });
    const total = (await simulator.truth('/v1/invoices')).length;
    const again = rest.ids('invoices').length - (total - cut.ids('invoices').length);
    expect(cut.ids('invoices').length).toBeGreaterThan(100);
    expect(again).toBeLessThanOrEqual(200);
  });
});
