import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { parseLine, type Stream } from '@penstock/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configure, discover } from './harness/catalog.ts';
import { compareWithTruth } from './harness/compare.ts';
import { signalInGroup } from './harness/kill.ts';
import { type RunningPipe, startShell } from './harness/pipe.ts';
import { scenarioSeed, seededRandom } from './harness/random.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

/** The pipe as a user types it; `tee` keeps what came out of the destination, which is what may be resumed from. */
const PIPE = `source-stripe read --config source.json --catalog catalog.json $STATE_FLAG |
  destination-postgres write --config destination.json --catalog catalog.json |
  tee -a state.ndjson > /dev/null`;

let simulator: Simulator;
let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let customers: Stream;

beforeAll(async () => {
  [simulator, database, folder] = await Promise.all([
    startSimulator(['--seed', '11', '--objects', '0', '--count', '/v1/customers=12000']),
    createTestDatabase(),
    makeScenarioFolder(),
  ]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const source = await folder.json('source.json', {
    api_key: 'sk_test_scenario',
    base_url: simulator.url,
    rate_limit: 40,
  });
  await folder.json('destination.json', { url: database.url });
  const catalog = await discover(source);
  customers = catalog.streams.find((stream) => stream.name === 'customers')!;
  await folder.json('catalog.json', configure([customers]));
});

afterAll(async () => {
  await client?.end();
  await Promise.all([simulator?.stop(), database?.drop(), folder?.remove()]);
});

/** The pipe in a shell of its own process group. */
function startPipe(stateFlag: string): RunningPipe {
  return startShell(`set -o pipefail; ${PIPE}`, { cwd: folder.path, env: { STATE_FLAG: stateFlag } });
}

/** Resolves when the running pipe has put out a checkpoint: then it is in the middle of its work. */
async function whenMoreCheckpoints(): Promise<void> {
  const before = await checkpoints();
  const givenUpAt = Date.now() + 60_000;
  while ((await checkpoints()) <= before && Date.now() < givenUpAt) await delay(20);
}

async function checkpoints(): Promise<number> {
  const lines = (await readFile(folder.file('state.ndjson'), 'utf8').catch(() => '')).split('\n');
  return lines.map(parseLine).filter((line) => line.kind === 'message' && line.message.type === 'source_state').length;
}

test('a pipe that is killed again and again ends with the table that an undisturbed one gives', async () => {
  const random = seededRandom(scenarioSeed());
  const victims = ['bin/source-stripe', 'bin/destination-postgres', 'bin/(source-stripe|destination-postgres)'];
  let killed = 0;
  for (let round = 0; round < 6; round++) {
    const stateFlag = (await checkpoints()) > 0 ? '--state state.ndjson' : '';
    const pipe = startPipe(stateFlag);
    await Promise.race([pipe.ended, whenMoreCheckpoints()]);
    await delay(random() * 300);
    await signalInGroup(pipe.pid, 'KILL', victims[Math.trunc(random() * victims.length)]!);
    const { code } = await pipe.ended;
    if (code !== 0) killed += 1;
  }
  expect(killed).toBeGreaterThanOrEqual(4);

  const last = await startPipe((await checkpoints()) > 0 ? '--state state.ndjson' : '').ended;
  expect(last, await readFile(folder.file('state.ndjson'), 'utf8')).toEqual({ code: 0, stderr: '' });
  expect(await compareWithTruth(client, simulator, [customers])).toEqual([]);
  const { rows } = await client.query('select count(*)::int as rows, count(distinct id)::int as ids from customers');
  expect(rows[0]).toEqual({ rows: 12_000, ids: 12_000 });
});

test('a pipe that is resumed after its end asks Stripe for no page that it has read', async () => {
  await simulator.admin('reset', {});
  const again = await startPipe('--state state.ndjson').ended;
  expect(again).toEqual({ code: 0, stderr: '' });
  // What is new comes from the events, and nobody reads the list again.
  const requests = await simulator.requests();
  expect(Object.keys(requests).sort()).toEqual(['/v1/account', '/v1/events']);
});
