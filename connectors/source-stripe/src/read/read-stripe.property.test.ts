import { systemClock } from '@penstock/connector-sdk';
import { seededRandom } from '@penstock/connector-sdk/testing';
import type { ConfiguredStream, TimeRange } from '@penstock/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { readGlobalState } from '../events/global-state.ts';
import { hasGap, oldestPositionKept, positionOf } from '../events/position.ts';
import { RANGES_MAX } from '../ranges/range.ts';
import { instantOf } from '../ranges/stream-state.ts';
import { builtInTable, type StripeStream } from '../streams/stream-table.ts';
import { ModelDestination } from '../testing/model-destination.ts';
import { configuredStreams, quietLog } from '../testing/read-source.ts';
import { StripeWorld } from '../testing/stripe-world.ts';
import { readStripe } from './read-stripe.ts';

const NAMES = [
  'customers',
  'products',
  'prices',
  'charges',
  'subscriptions',
  'checkout_sessions',
  'balance_transactions',
  'plans',
];
const streams = NAMES.map((name) => builtInTable.streams.get(name) as StripeStream);
const configured = await configuredStreams(...NAMES);

const BEGIN_S = 1_000_000;
const AGE_S = 5_000;

/** Seconds by which lists and events may be behind: less than the margin that is kept. */
const LAG_S = 9;

/** Longer than Stripe keeps events: what is deleted in such a time can't be known. */
const LONG_S = 40 * 86_400;

/** How old objects lie in time: evenly, in clumps, or all at once. */
const ages = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.integer({ min: 0, max: AGE_S }), { maxLength: 400, size: 'max' }) },
  fc
    .record({ at: fc.integer({ min: 0, max: AGE_S }), count: fc.integer({ min: 101, max: 450 }) })
    .map(({ at, count }) => Array<number>(count).fill(at)),
  fc
    .array(fc.record({ at: fc.integer({ min: 0, max: AGE_S }), count: fc.integer({ min: 1, max: 150 }) }), {
      maxLength: 5,
    })
    .map((clumps) => clumps.flatMap(({ at, count }) => Array.from({ length: count }, (_, i) => at + (i % 3)))),
);

const bound = fc.integer({ min: -100, max: AGE_S + 100 });
const run = fc.record({
  /** Whether the run is killed, after so many messages. */
  cutAfter: fc.option(fc.integer({ min: 1, max: 120 }), { freq: 3 }),
  /** Streams that the catalog of this run leaves out. */
  leftOut: fc.subarray(NAMES, { maxLength: 3 }),
  window: fc.option(fc.record({ a: bound, b: bound }), { freq: 2 }),
  /** What happens at each request, on average. */
  changes: fc.double({ min: 0, max: 3, noNaN: true }),
  /** Seconds until the next run. */
  pauseS: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 100_000 }), fc.constant(LONG_S)),
});

function happen(world: StripeWorld, random: () => number): void {
  const { path } = streams[Math.floor(random() * streams.length)] as StripeStream;
  const what = random();
  if (what < 0.3) world.create(path);
  else if (what < 0.8) world.update(path, random());
  else world.delete(path, random());
}

it('ends with tables that equal the truth, whatever the account, however often it was killed and whatever happened meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(ages, { minLength: NAMES.length, maxLength: NAMES.length }),
      fc.array(run, { minLength: 1, maxLength: 6 }),
      fc.integer(),
      async (agesOf, runs, seed) => {
        const random = seededRandom(seed);
        let changes = 0;
        const gapUntil = new Map<string, number>();
        const world = new StripeWorld(streams, BEGIN_S, {
          random,
          lagS: LAG_S,
          onRequest: (here) => {
            if (random() < 0.3) here.time += Math.floor(random() * 4);
            for (let due = changes; due > random(); due--) happen(here, random);
          },
        });
        for (const [i, stream] of streams.entries()) {
          for (const age of agesOf[i] ?? []) world.create(stream.path, BEGIN_S - 20 - age, { active: age % 3 !== 0 });
        }
        const destination = new ModelDestination();
        const read = async (catalog: ConfiguredStream[], cutAfter: number): Promise<void> => {
          const config = configSchema.parse({ api_key: 'sk_test_1', rate_limit: 1000, reread_after_s: 0 });
          world.latencyMs = 5;
          const { state } = destination;
          const { signal } = new AbortController();
          const context = { config, catalog: { streams: catalog }, state, input: undefined, signal, log: quietLog };
          const { events } = readGlobalState(state.global);
          const lost = catalog.filter(({ stream: { name } }) => {
            const position = positionOf(events, name);
            return position !== undefined && hasGap(position, world.time);
          });
          const kept = oldestPositionKept(world.time).through + 60;
          let count = 0;
          for await (const output of readStripe(context, world, builtInTable, systemClock)) {
            destination.add(output);
            if (++count >= cutAfter) break;
          }
          for (const { stream } of lost) gapUntil.set(stream.name, kept);
        };
        for (const { cutAfter, leftOut, window, changes: now, pauseS } of runs) {
          changes = now;
          const [a, b] = window === null ? [0, 0] : [window.a, window.b].sort((x, y) => x - y);
          const time_range: TimeRange = {
            gte: instantOf(BEGIN_S - AGE_S + (a as number)),
            lt: instantOf(BEGIN_S - AGE_S + (b as number)),
          };
          const catalog = configured
            .filter(({ stream }) => !leftOut.includes(stream.name))
            .map((one) => (window === null ? one : { ...one, time_range }));
          await read(catalog, cutAfter ?? Number.POSITIVE_INFINITY);
          world.time += pauseS;
          for (let due = now * 3; due > random(); due--) happen(world, random);
        }
        changes = 0;
        world.time += 2 * LAG_S + 2;
        const before = destination.statuses.length;
        await read([...configured], Number.POSITIVE_INFINITY);
        const ends = destination.statuses.slice(before).filter(({ status }) => status === 'complete');
        expect(ends.map(({ stream }) => stream).sort()).toEqual([...NAMES].sort());
        for (const { name, path } of streams) {
          const live = destination.live(name);
          for (const id of live.keys()) {
            const deletedAt = world.deletedAt(path, id);
            if (deletedAt !== undefined && deletedAt <= (gapUntil.get(name) ?? 0)) live.delete(id);
          }
          expect(live, name).toEqual(world.truth(path));
        }
        expect(destination.rangesMax).toBeLessThanOrEqual(RANGES_MAX);
      },
    ),
    { numRuns: 150, interruptAfterTimeLimit: 40_000 },
  );
});
