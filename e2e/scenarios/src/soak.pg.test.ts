import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killSync, VICTIMS } from './harness/kill.ts';
import { makePipeline, type Pipeline } from './harness/pipeline.ts';
import { whenUnderWay } from './harness/program.ts';
import { scenarioSeed, seededRandom } from './harness/random.ts';
import { type Simulator, startSimulator, whenSettled } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

/** How long the account keeps changing, and at least until there was a run of each kind; `make soak` takes 1800. */
const SOAK_SECONDS = Number(process.env.SOAK_SECONDS ?? 20);
/** Time for the last run and for the comparison, in milliseconds. */
const END_MS = 600_000;

/** A run is killed within so many milliseconds after its first stream has started. */
const KILLED_WITHIN_MS = 1200;

/** How often it is looked whether a state is there, in milliseconds. */
const STATE_LOOK_MS = 50;

/** Changes a second. */
const SCHEDULE = { create: 8, update: 18, delete: 5 };
const STANDSTILL = { create: 0, update: 0, delete: 0 };
/** Five in a hundred requests go wrong. */
const FAULTS = { error_rate: 0.035, reset_rate: 0.015 };
/** Late by less than the margin of 10 seconds behind which the source takes what it sees for complete. */
const EVENT_FAULTS = {
  events_late: 0.1,
  events_late_seconds: 5,
  events_doubled: 0.1,
  events_older: 0.1,
  events_partial: ['/v1/customers', '/v1/charges'],
};
/** Requests a second that the source is configured with, and that the simulator allows a part of the time. */
const RATE = 100;
const RATE_ALLOWED = 50;

const seed = scenarioSeed();
const random = seededRandom(seed);

let simulator: Simulator;
let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let pipeline: Pipeline;
/** When the changes began, in seconds since 1970 of the simulator's clock. */
let changingSince = 0;

beforeAll(async () => {
  [simulator, database, folder] = await Promise.all([
    startSimulator(['--seed', String(seed), '--objects', '6000']),
    createTestDatabase(),
    makeScenarioFolder(),
  ]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const source = { rate_limit: RATE };
  pipeline = await makePipeline({ name: 'soak', simulator, folder, databaseUrl: database.url, source });
});

afterAll(async () => {
  await client?.end();
  await Promise.all([simulator?.stop(), database?.drop(), folder?.remove()]);
});

/** What a run is to come to: its own end, its limit, or a kill. Also counts what it came to. */
const KINDS = ['killed', 'whole', 'killed', 'limited', 'killed'] as const;
type Runs = Record<(typeof KINDS)[number], number>;

/** One run. */
async function runOnce(kind: keyof Runs, runs: Runs): Promise<void> {
  if (kind === 'whole') {
    const { code, stderr, stdout } = await pipeline.start().ended;
    expect(code, stderr + stdout.slice(-2000)).toBe(0);
    runs.whole += 1;
  } else if (kind === 'limited') {
    const limit = 1 + Math.trunc(random() * 3);
    const { code, stderr, stdout } = await pipeline.start('--time-limit', String(limit)).ended;
    expect([0, 10], stderr + stdout.slice(-2000)).toContain(code);
    runs[code === 10 ? 'limited' : 'whole'] += 1;
  } else {
    const sync = pipeline.start();
    const victim = VICTIMS[Math.trunc(random() * VICTIMS.length)]!;
    await whenUnderWay(sync);
    // The moment is the dice's, not that of something that is waited for.
    await Promise.race([delay(random() * KILLED_WITHIN_MS), sync.ended]);
    await killSync(sync, victim);
    const { code, signal } = await sync.ended;
    runs[code !== 0 || signal !== null ? 'killed' : 'whole'] += 1;
  }
}

/**
 * Starts the changes as soon as a state says from which event on they are known, in the middle of the first backfill. What is
 * deleted before, and has not been read by then, no run could know to have been there.
 */
async function startChanging(): Promise<void> {
  // The row is there from the first moment on, empty.
  const saved = `select from penstock.sync_state where pipeline = 'soak' and section = 'source_global' and data::jsonb ? 'events'`;
  for (let isKnown = false; !isKnown; ) {
    const sync = pipeline.start('--time-limit', '2');
    let isRunning = true;
    const ended = sync.ended.finally(() => {
      isRunning = false;
    });
    await whenUnderWay(sync);
    while (isRunning && !isKnown) {
      isKnown = (await client.query(saved)).rows.length > 0;
      if (!isKnown) await delay(STATE_LOOK_MS);
    }
    isKnown ||= (await client.query(saved)).rows.length > 0;
    if (isKnown) {
      changingSince = await simulator.now();
      await simulator.admin('faults', { schedule: SCHEDULE });
    }
    const { code, stderr } = await ended;
    expect([0, 10], stderr).toContain(code);
  }
}

test(
  `after ${SOAK_SECONDS} s of changes, faults and kills every table equals what Stripe has, deletes included`,
  async () => {
    const runs: Runs = { whole: 0, limited: 0, killed: 0 };
    const begunAt = await simulator.now();
    await simulator.admin('faults', { ...FAULTS, ...EVENT_FAULTS });
    await startChanging();

    const end = Date.now() + SOAK_SECONDS * 1000;
    for (let round = 0; Date.now() < end || round < KINDS.length || runs.killed === 0; round++) {
      await simulator.admin('faults', { rate_limit: random() < 0.3 ? RATE_ALLOWED : null });
      await runOnce(KINDS[round % KINDS.length]!, runs);
    }
    await simulator.admin('faults', { schedule: STANDSTILL, rate_limit: null, error_rate: 0, reset_rate: 0 });
    await whenSettled(simulator);

    // Of some lists events don't tell everything: these are read once more, whole. A run of its own goes up to the present; the
    // one that may have been cut off would end where it was to end.
    const whole = await pipeline.with({ reread_after_s: 0 });
    const last = await whole.start('--run-id', 'soak-last').ended;
    expect(last.code, last.stderr + last.stdout.slice(-4000)).toBe(0);
    const differences = await pipeline.differences(client);
    await printFigures(runs, begunAt);
    expect(differences, `PENSTOCK_SEED=${seed}${await toldOf(differences)}`).toEqual([]);
  },
  SOAK_SECONDS * 1000 + END_MS,
);

/** What events told of the objects that differ, and when they were written: whether a change was never heard of, or lost later. */
async function toldOf(differences: readonly unknown[]): Promise<string> {
  if (differences.length === 0) return '';
  const { rows } = await client.query<{ told: string }>(
    `select concat_ws(' ', _raw_data #>> '{data,object,id}', _raw_data ->> 'type', _raw_data ->> 'id', to_timestamp((_raw_data ->> 'created')::bigint), 'written', _synced_at) as told
     from soak.events where position(_raw_data #>> '{data,object,id}' in $1) > 0 order by 1`,
    [JSON.stringify(differences)],
  );
  const known = rows.map(({ told }) => `\n  ${told}`).join('');
  return `; the account began to change at ${new Date(changingSince * 1000).toISOString()}; events of what differs:${known || ' none'}`;
}

async function printFigures(runs: Runs, begunAt: number): Promise<void> {
  const { total, by_status } = await simulator.requestTotals();
  const { rows } = await client.query<{ events: number }>(
    `select count(*)::int as events from soak.events where (_raw_data ->> 'created')::bigint >= $1`,
    [begunAt],
  );
  const { 429: too_many_requests = 0, 500: errors = 0, reset: resets = 0 } = by_status;
  const figures = { seconds: SOAK_SECONDS, seed, runs, requests: total, too_many_requests, errors, resets, ...rows[0] };
  console.log(`soak: ${JSON.stringify(figures)}`);
}
