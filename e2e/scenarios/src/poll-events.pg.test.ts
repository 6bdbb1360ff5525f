import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import type { Stream } from '@penstock/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configure, discover, streamsNamed } from './harness/catalog.ts';
import { compareDeleted, compareWithTruth } from './harness/compare.ts';
import { signalInGroup } from './harness/kill.ts';
import { type RunningPipe, startShell } from './harness/pipe.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

/** Exit code of whoever was stopped before it was through. */
const STOPPED = 10;
/** The code of the whole is that of the source. */
const PIPE = `source-stripe read --config source.json --catalog catalog.json $STATE_FLAG |
  destination-postgres write --config destination.json --catalog catalog.json |
  tee -a state.ndjson > /dev/null; exit \${PIPESTATUS[0]}`;
/** Long enough for a busy machine; what is waited for is there a second or two after it happened. */
const PATIENCE_MS = 60_000;

let simulator: Simulator;
let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let streams: readonly Stream[];
const pipes: RunningPipe[] = [];

beforeAll(async () => {
  [simulator, database, folder] = await Promise.all([
    startSimulator(['--seed', '44', '--objects', '0', '--count', '/v1/customers=1200', '--count', '/v1/charges=400']),
    createTestDatabase(),
    makeScenarioFolder(),
  ]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const config = { api_key: 'sk_test_scenario', base_url: simulator.url, rate_limit: 50, poll_events: 1 };
  const catalog = await discover(await folder.json('source.json', config));
  streams = streamsNamed(catalog.streams, ['customers', 'charges']);
  await folder.json('catalog.json', configure(streams));
  await folder.json('destination.json', { url: database.url });
});

afterAll(async () => {
  // Nothing else ends a pipe of a test that has failed.
  await Promise.all(pipes.map(({ pid }) => signalInGroup(pid, 'KILL', '.')));
  await client?.end();
  await Promise.all([simulator?.stop(), database?.drop(), folder?.remove()]);
});

function startPipe(stateFlag: string): RunningPipe {
  const pipe = startShell(PIPE, { cwd: folder.path, env: { STATE_FLAG: stateFlag } });
  pipes.push(pipe);
  return pipe;
}

async function changeSome(): Promise<void> {
  for (const path of ['/v1/customers', '/v1/charges']) {
    await simulator.admin('objects/create', { path, count: 3 });
    await simulator.admin('objects/update', { path, count: 10 });
  }
  await simulator.admin('objects/delete', { path: '/v1/customers', count: 4 });
}

/** Differences between the tables and Stripe; before there are tables, that. */
async function differences(): Promise<readonly unknown[]> {
  try {
    return [
      ...(await compareWithTruth(client, simulator, streams)),
      ...(await compareDeleted(client, simulator, streams)),
    ];
  } catch (error) {
    if ((error as { code?: string }).code === '42P01') return ['there is no table yet'];
    throw error;
  }
}

/** Resolves when the tables are what Stripe has; the pipe goes on. */
async function whenCurrent(pipe: RunningPipe): Promise<void> {
  const givenUpAt = Date.now() + PATIENCE_MS;
  const hasEnded = pipe.ended.then(({ code, stderr }) => {
    throw new Error(`the pipe ended with ${code}: ${stderr}`);
  });
  hasEnded.catch(() => undefined);
  for (;;) {
    const found = await differences();
    if (found.length === 0) return;
    if (Date.now() > givenUpAt) expect(found).toEqual([]);
    await Promise.race([delay(100), hasEnded]);
  }
}

async function stop(pipe: RunningPipe): Promise<void> {
  await signalInGroup(pipe.pid, 'TERM', 'bin/source-stripe');
  expect(await pipe.ended).toMatchObject({ code: STOPPED });
}

test('with poll_events a pipe keeps the tables current until it is stopped, and resumes without missing anything', async () => {
  const first = startPipe('');
  await whenCurrent(first);
  await changeSome();
  const changedAt = Date.now();
  await whenCurrent(first);
  console.log(`changes were in the tables after ${Date.now() - changedAt} ms`);
  await changeSome();
  await whenCurrent(first);
  await stop(first);

  await changeSome();
  const second = startPipe('--state state.ndjson');
  await whenCurrent(second);
  await changeSome();
  await whenCurrent(second);
  await stop(second);
  const kept = await readFile(folder.file('state.ndjson'), 'utf8');
  expect(kept).not.toContain('"status":"error"');
});
