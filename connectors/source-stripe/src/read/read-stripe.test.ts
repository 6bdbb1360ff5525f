import { systemClock } from '@penstock/connector-sdk';
import type { ConfiguredStream, SourceStateSet } from '@penstock/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { builtInTable, streams } from '../streams/stream-table.ts';
import { type FakeObject, FakeStripe } from '../testing/fake-stripe.ts';
import { configuredStreams, Emitted, quietLog } from '../testing/read-source.ts';
import { readStripe } from './read-stripe.ts';
import { windowOf } from './stream-window.ts';

const instant = (second: number): string => new Date(second * 1000).toISOString();

async function read(
  stripe: FakeStripe,
  configured: readonly ConfiguredStream[],
  state: SourceStateSet = { streams: {}, global: {} },
  cutAfter = Number.POSITIVE_INFINITY,
  config: Record<string, unknown> = {},
): Promise<Emitted> {
  const emitted = new Emitted(state);
  const context = {
    config: configSchema.parse({ api_key: 'sk_test_1234567890', ...config }),
    catalog: { streams: [...configured] },
    state,
    input: undefined,
    signal: new AbortController().signal,
    log: quietLog,
  };
  for await (const output of readStripe(context, stripe, builtInTable, systemClock)) {
    emitted.add(output);
    if (emitted.outputs.length >= cutAfter) break;
  }
  return emitted;
}

/** Objects with many in the same second, named so that ids and times are not in the same order. */
const objects = fc
  .array(fc.integer({ min: 100, max: 110 }), { maxLength: 700, size: 'max' })
  .map((times): FakeObject[] => times.map((created, i) => ({ id: `obj_${(i * 7919) % 100_003}`, created })));

describe('readStripe', () => {
  it('asks for the first page of every stream before the second page of any', async () => {
    const many = Array.from({ length: 350 }, (_, i) => ({ id: `obj_${i}`, created: 100 + i }));
    const v1 = [...streams.values()].filter(
      ({ version, paging, name }) => version === 1 && paging === 'starting_after' && name !== 'events',
    );
    const stripe = new FakeStripe(Object.fromEntries(v1.map((stream) => [stream.path, many])), 10_000);
    await read(stripe, await configuredStreams(...v1.map((stream) => stream.name)));
    const [, , ...requests] = stripe.requests;
    const second = requests.findIndex((path) => path.includes('starting_after'));
    expect(new Set(requests.slice(0, second).map((path) => path.replace(/\?.*/, '')))).toEqual(
      new Set(v1.map((stream) => stream.path)),
    );
  });

  it('ends with every object of the last window, whatever the windows were, wherever it was cut off and whatever was deleted', async () => {
    const bound = fc.integer({ min: 98, max: 113 });
    const window = fc.oneof(fc.constant({ gte: 98, lt: 113 }), fc.record({ gte: bound, lt: bound }));
    const run = fc.record({
      window,
      cutAfter: fc.integer({ min: 1, max: 20 }),
      deleteCursor: fc.boolean(),
    });
    const [configured] = await configuredStreams('charges');
    await fc.assert(
      fc.asyncProperty(objects, fc.array(run, { minLength: 1, maxLength: 6 }), async (all, runs) => {
        const stripe = new FakeStripe({ '/v1/charges': all }, 10_000);
        const list = stripe.lists.get('/v1/charges') ?? [];
        let state: SourceStateSet = { streams: {}, global: {} };
        const kept = new Set<string>();
        for (const [i, { window, cutAfter, deleteCursor }] of runs.entries()) {
          const { gte, lt } = window;
          const time_range = { gte: instant(Math.min(gte, lt)), lt: instant(Math.max(gte, lt)) };
          const isLast = i === runs.length - 1;
          const emitted = await read(
            stripe,
            [{ ...configured!, time_range }],
            state,
            isLast ? Number.POSITIVE_INFINITY : cutAfter,
          );
          state = emitted.state;
          // All records, also those after the last checkpoint: they may have been written, and do no harm.
          for (const id of emitted.ids('charges')) kept.add(id);
          const saved = state.streams.charges as { remaining: { cursor: string | null }[] } | undefined;
          const cursor = saved?.remaining[0]?.cursor;
          if (deleteCursor && cursor != null) {
            const at = list.findIndex(({ id }) => id === cursor);
            if (at !== -1) list.splice(at, 1);
          }
          if (!isLast) continue;
          expect(emitted.last('charges')).toMatchObject({ status: 'complete' });
          expect(saved?.remaining).toEqual([]);
          for (const object of list) {
            const isInside = object.created >= Math.min(gte, lt) && object.created < Math.max(gte, lt);
            if (isInside) expect(kept.has(object.id), `${object.id} of ${object.created}`).toBe(true);
          }
        }
      }),
      { numRuns: 300, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('never has a checkpoint that covers a record which did not come before it', async () => {
    const names = ['charges', 'customers', 'payment_links'];
    const configured = await configuredStreams(...names);
    await fc.assert(
      fc.asyncProperty(objects, fc.integer({ min: 1, max: 40 }), async (all, cutAfter) => {
        const stripe = new FakeStripe(Object.fromEntries(names.map((n) => [streams.get(n)!.path, all])), 10_000);
        const cut = await read(stripe, configured, undefined, cutAfter);
        const rest = await read(stripe, configured, cut.state);
        for (const name of names) {
          const ids = new Set([...cut.ids(name), ...rest.ids(name)]);
          expect(ids).toEqual(new Set(all.map(({ id }) => id)));
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 20_000 },
    );
  });

  it('keeps within the limit of the backfill over all runs, and reads what came since all the same', async () => {
    const [configured] = await configuredStreams('balance_transactions');
    const old = Array.from({ length: 300 }, (_, i) => ({ id: `old_${i}`, created: 100 + i }));
    const stripe = new FakeStripe({ '/v1/balance_transactions': old }, 1000);
    const limited = [{ ...configured!, backfill_limit: 120 }];
    const first = await read(stripe, limited);
    expect(first.ids('balance_transactions')).toHaveLength(120);
    stripe.lists
      .get('/v1/balance_transactions')
      ?.unshift(...Array.from({ length: 250 }, (_, i) => ({ id: `new_${i}`, created: 2000 })));
    stripe.time = 3000;
    const second = await read(stripe, limited, first.state);
    expect(second.ids('balance_transactions')).toHaveLength(250);
    const third = await read(stripe, [configured!], second.state);
    expect(third.ids('balance_transactions')).toHaveLength(180);
  });

  it('reads a list without a created filter again when time went by, and goes on with a pass that was cut off', async () => {
    const configured = await configuredStreams('country_specs');
    const all = Array.from({ length: 350 }, (_, i) => ({ id: `cs_${i}`, created: 100 + i }));
    const stripe = new FakeStripe({ '/v1/country_specs': all }, 1000);
    const cut = await read(stripe, configured, undefined, 4);
    expect(cut.ids('country_specs')).toHaveLength(100);
    stripe.time = 1500;
    const rest = await read(stripe, configured, cut.state);
    expect(rest.ids('country_specs')).toHaveLength(250);
    const again = await read(stripe, configured, rest.state);
    expect(again.ids('country_specs')).toHaveLength(350);
    stripe.time = 1500 + 3 * 24 * 60 * 60;
    const afterDays = await read(stripe, configured, cut.state);
    expect(afterDays.ids('country_specs')).toHaveLength(350);
  });

  it('gives a list up that never knows the object it ended a page with, and reads the others', async () => {
    const many = Array.from({ length: 350 }, (_, i) => ({ id: `obj_${i}`, created: 100 }));
    const stripe = new FakeStripe({ '/v1/charges': many, '/v1/customers': many, '/v1/payment_links': many }, 1000);
    stripe.forgetful.add('/v1/charges').add('/v1/payment_links');
    const emitted = await read(stripe, await configuredStreams('charges', 'customers', 'payment_links'));
    for (const name of ['charges', 'payment_links']) {
      expect(emitted.last(name)).toMatchObject({
        status: 'error',
        failure_type: 'transient',
        error: expect.stringContaining('refused 6 times in a row'),
      });
    }
    expect(emitted.last('customers')).toMatchObject({ status: 'complete' });
  });

  it('asks for prices with both values of active, and reads each list once', async () => {
    const stripe = new FakeStripe({ '/v1/prices': [{ id: 'price_1', created: 100 }] }, 1000);
    await read(stripe, await configuredStreams('prices', 'subscriptions'));
    const queries = stripe.requests.map((path) => new URL(path, 'http://stripe').searchParams);
    expect(queries.map((query) => query.get('active')).filter((value) => value !== null)).toEqual(['true', 'false']);
    expect(queries.some((query) => query.get('status') === 'all')).toBe(true);
  });
});

describe('windowOf', () => {
  it.each([
    ['everything', undefined, { gte: 50, lt: 990 }],
    ['a start', { gte: instant(100) }, { gte: 100, lt: 990 }],
    ['an end that is past', { lt: instant(500) }, { gte: 50, lt: 500 }],
    ['an end that Stripe has not surely made visible', { lt: instant(995) }, { gte: 50, lt: 990 }],
    ['bounds within a second', { gte: instant(100.5), lt: instant(200.5) }, { gte: 101, lt: 201 }],
    ['a range before the account', { gte: instant(10), lt: instant(20) }, { gte: 10, lt: 20 }],
    ['a range in the future', { gte: instant(2000), lt: instant(3000) }, { gte: 2000, lt: 2000 }],
  ])('takes %s', (_, timeRange, window) => {
    expect(windowOf(timeRange, 50, 990)).toEqual(window);
  });
});
