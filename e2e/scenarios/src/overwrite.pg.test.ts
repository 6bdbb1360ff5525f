import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import type { Stream } from '@penstock/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { discover, streamsNamed } from './harness/catalog.ts';
import { compareWithTruth } from './harness/compare.ts';
import { killSync } from './harness/kill.ts';
import { type RunningProgram, runProgram, startProgram } from './harness/program.ts';
import { CLOCK_BEHIND, type Simulator, settle, startSimulator } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const SCHEMA = 'mirror';
const NAMES = ['customers', 'products'];

let simulator: Simulator;
let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let streams: readonly Stream[];
let pipelineFile: string;
let slowPipelineFile: string;

beforeAll(async () => {
  [simulator, database, folder] = await Promise.all([
    startSimulator([
      ...['--seed', '51', '--objects', '0', '--count', '/v1/customers=2500', '--count', '/v1/products=200'],
      ...CLOCK_BEHIND,
    ]),
    createTestDatabase(),
    makeScenarioFolder(),
  ]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const source = { api_key: 'sk_test_scenario', base_url: simulator.url, rate_limit: 100 };
  streams = streamsNamed((await discover(await folder.json('source.json', source))).streams, NAMES);
  const write = (file: string, rate_limit: number) =>
    folder.json(file, {
      name: 'overwrite',
      source: { type: 'stripe', stripe: { ...source, rate_limit } },
      destination: { type: 'postgres', postgres: { url: database.url, schema: SCHEMA } },
      streams: NAMES.map((name) => ({ name, destination_sync_mode: 'overwrite' })),
    });
  pipelineFile = await write('pipeline.json', 100);
  slowPipelineFile = await write('slow.json', 5);
});

afterAll(async () => {
  await client?.end();
  await Promise.all([simulator?.stop(), database?.drop(), folder?.remove()]);
});

function startSync(file = pipelineFile): RunningProgram {
  return startProgram('penstock', ['sync', '--config', file, '--plain'], { group: true, input: '' });
}

async function sync(): Promise<string> {
  const { code, stdout, stderr } = await startSync().ended;
  expect(code, stderr + stdout.slice(-2000)).toBe(0);
  return stdout + stderr;
}

/** Changes some of everything, so that a run sees it. */
async function changeObjects(): Promise<void> {
  for (const path of ['/v1/customers', '/v1/products'])
    for (const [what, count] of [['update', 20] as const, ['delete', 15] as const, ['create', 10] as const])
      await simulator.admin(`objects/${what}`, { path, count });
  await settle(simulator);
}

const idsOf = async (table: string) =>
  (await client.query<{ id: string }>(`select id from ${SCHEMA}.${table} order by id`)).rows.map(({ id }) => id);

/** Rows that were committed for a set that is not complete. */
async function gatheredRows(): Promise<number> {
  const { rows } = await client.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c where relname like '\\_penstock\\_next\\_%\\_customers' and relkind = 'r'`,
  );
  let sum = 0;
  for (const { name } of rows) {
    // One of an earlier run may be gone by now.
    const counted = await client.query(`select count(*)::int as n from ${name}`).catch(() => undefined);
    sum += counted?.rows[0].n ?? 0;
  }
  return sum;
}

/** That the tables hold what Stripe has, and no row of anything else, not even one that is marked as deleted. */
async function expectMirror(): Promise<void> {
  expect(await compareWithTruth(client, simulator, streams, SCHEMA)).toEqual([]);
  const truth = await simulator.truthSummary();
  for (const name of NAMES) expect(await idsOf(name)).toHaveLength(truth[`/v1/${name}`]!);
}

test('what was deleted in Stripe between two full refreshes is gone, and what is the same is not written again', async () => {
  await sync();
  await expectMirror();
  const versions = async () => (await client.query(`select id, xmin::text from ${SCHEMA}.customers order by id`)).rows;
  const before = new Map((await versions()).map(({ id, xmin }) => [id, xmin]));
  await changeObjects();
  await sync();
  await expectMirror();
  const kept = (await versions()).filter(({ id, xmin }) => before.get(id) === xmin);
  expect(kept.length).toBeGreaterThanOrEqual(2500 - 20 - 15);
});

test('a full refresh that is killed leaves the old rows, and the next call goes on with it', async () => {
  await changeObjects();
  const before = await idsOf('customers');
  const killed = startSync(slowPipelineFile);
  while ((await gatheredRows()) < 1200) await delay(20);
  await killSync(killed, 'all');
  await killed.ended;
  expect(await idsOf('customers')).toEqual(before);

  await simulator.admin('reset', {});
  expect(await sync()).toContain('Going on with the unfinished run');
  await expectMirror();
  // All of them are 26 pages: at least half of what was committed by then was not read again.
  const { 200: pages = 0 } = (await simulator.requests())['/v1/customers']!;
  expect(pages).toBeLessThanOrEqual(20);
});

test('teardown takes back tables, side tables and schema, when it is told that it may', async () => {
  const teardown = (...more: string[]) =>
    runProgram('penstock', ['teardown', '--config', pipelineFile, '--only', 'destination', ...more]);
  const schemas = async () => (await client.query(`select from pg_namespace where nspname = '${SCHEMA}'`)).rows.length;
  const refused = await teardown();
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('Give --yes')]);
  expect(await schemas()).toBe(1);
  const { code, stdout } = await teardown('--yes');
  expect(code, stdout).toBe(0);
  expect(stdout).toContain(`Dropped 4 tables in schema "${SCHEMA}", and the schema was dropped.`);
  expect(stdout).toContain('is forgotten; the next sync reads it from the beginning');
  expect(await schemas()).toBe(0);
});
