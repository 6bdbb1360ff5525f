import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { chooseStreams, type Stream } from '@penstock/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { discover } from './harness/catalog.ts';
import { compareWithTruth, countDuplicates } from './harness/compare.ts';
import { killSync, VICTIMS } from './harness/kill.ts';
import { type RunningProgram, startProgram, whenUnderWay } from './harness/program.ts';
import { scenarioSeed, seededRandom } from './harness/random.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

let simulator: Simulator;
let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let streams: readonly Stream[];
let pipelineFile: string;

beforeAll(async () => {
  [simulator, database, folder] = await Promise.all([
    startSimulator(['--seed', '12', '--objects', '30000']),
    createTestDatabase(),
    makeScenarioFolder(),
  ]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const source = { api_key: 'sk_test_scenario', base_url: simulator.url, rate_limit: 60 };
  streams = chooseStreams((await discover(await folder.json('source.json', source))).streams);
  pipelineFile = await folder.json('pipeline.json', {
    name: 'kill-test',
    source: { type: 'stripe', stripe: source },
    destination: { type: 'postgres', postgres: { url: database.url, schema: 'stripe' } },
  });
});

afterAll(async () => {
  await client?.end();
  await Promise.all([simulator?.stop(), database?.drop(), folder?.remove()]);
});

function startSync(): RunningProgram {
  return startProgram('penstock', ['sync', '--config', pipelineFile, '--plain'], { group: true, input: '' });
}

test('a sync that is killed ten times at random moments ends with exactly what Stripe has', async () => {
  const random = seededRandom(scenarioSeed());
  let cutShort = 0;
  for (let round = 0; round < 10; round++) {
    const sync = startSync();
    const victim = VICTIMS[Math.trunc(random() * VICTIMS.length)]!;
    await whenUnderWay(sync);
    await delay(random() * 1000);
    await killSync(sync, victim);
    const { code, signal } = await sync.ended;
    if (code !== 0 || signal !== null) cutShort += 1;
  }
  expect(cutShort).toBeGreaterThanOrEqual(7);

  const last = await startSync().ended;
  expect(last, last.stderr).toMatchObject({ code: 0 });
  expect(await compareWithTruth(client, simulator, streams, 'stripe')).toEqual([]);
  expect(await countDuplicates(client, streams, 'stripe')).toBe(0);
});

test('a sync that has nothing left to do says so and changes nothing', async () => {
  const before = await rowVersions();
  const again = await startSync().ended;
  expect(again, again.stderr).toMatchObject({ code: 0 });
  expect(await compareWithTruth(client, simulator, streams, 'stripe')).toEqual([]);
  // xmin names the transaction that wrote a row: a row that was written again has another one.
  expect(await rowVersions()).toEqual(before);
});

async function rowVersions(): Promise<unknown> {
  const { rows } = await client.query('select id, xmin::text from stripe.customers order by id');
  return rows;
}
