import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { chooseStreams, type Stream } from '@penstock/protocol';
import type pg from 'pg';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareWithTruth } from './harness/compare.ts';
import { type ContainerWorld, SIMULATOR_URL, startContainerWorld } from './harness/containers.ts';
import { discoverInContainer } from './harness/docker-pipe.ts';
import { findLeaks } from './harness/leaks.ts';
import { dockerLines, startShell } from './harness/shell.ts';
import { prepareWay, WAYS, type Way } from './harness/ways.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const id = randomBytes(8).toString('hex');
/** Nothing else has these words in it, so whatever shows them has leaked them. */
const apiKey = `sk_test_marker${id}`;
const login = { user: 'sync', password: `password-marker-${id}` };
const markers = [apiKey, login.password];

let world: ContainerWorld;
let folder: ScenarioFolder;
let client: pg.Client;
let streams: readonly Stream[];

beforeAll(async () => {
  [world, folder] = await Promise.all([
    startContainerWorld(['--seed', '23', '--objects', '3000', '--count', '/v1/customers=3000']),
    makeScenarioFolder(0o755),
  ]);
  client = await world.database.connect();
  await client.query(`create role sync login password ${escapeLiteral(login.password)}`);
  await client.query('grant create on database postgres to sync');
  await folder.json('source.json', { api_key: apiKey, base_url: SIMULATOR_URL });
  streams = chooseStreams(await discoverInContainer(folder, world.network, 'source.json'));
});

afterAll(async () => {
  await client?.end();
  await world?.remove();
  await folder?.remove();
});

/** Images of the containers that a sync has in the network. */
async function running(): Promise<string[]> {
  const ids = await world.containers();
  return (await dockerLines('inspect', '--format', '{{.Config.Image}}', ...ids).catch(() => [])).sort();
}

/** What runs while it reads, by the way of running. */
const CONTAINERS: Readonly<Record<Way, readonly string[]>> = {
  pipe: ['destination-postgres', 'source-stripe'],
  'one container': ['penstock'],
  'launcher on the host': ['destination-postgres', 'source-stripe'],
  'launcher in a container': ['destination-postgres', 'penstock', 'source-stripe'],
  compose: ['penstock'],
};

test.for(WAYS)('%s: the tables are what Stripe has, and no secret is seen meanwhile or left behind', async (way) => {
  const number = WAYS.indexOf(way);
  const prefix = `penstock-way-${id}-${number}`;
  const schema = `way_${number}`;
  const script = await prepareWay(way, { prefix, world, folder, schema, rateLimit: 25, apiKey, login });
  const kept = await world.volumes();
  await world.simulator.admin('reset', {});

  const sync = startShell(script, folder.path);
  let hasEnded = false;
  void sync.ended.then(() => (hasEnded = true));
  // The first page of each stream comes before the second of any: it will be busy for seconds.
  while (Object.keys(await world.simulator.requests()).length < 10 && !hasEnded) await delay(20);
  expect(await running()).toEqual(CONTAINERS[way]);
  const used = (await world.volumes()).filter((name) => !kept.includes(name));
  expect(await findLeaks(world.network, markers)).toEqual([]);
  expect(await running(), 'it has to be at work until all is looked at').toEqual(CONTAINERS[way]);

  const { code, output } = await sync.ended;
  expect(code, output).toBe(0);
  const state = way === 'pipe' ? await readFile(folder.file(`${prefix}.ndjson`), 'utf8') : await engineState();
  for (const marker of markers) {
    expect(output).not.toContain(marker);
    expect(state).not.toContain(marker);
  }
  expect(await world.containers()).toEqual([]);
  const left = await dockerLines('volume', 'ls', '--quiet');
  expect(left.filter((name) => used.includes(name))).toEqual([]);
  expect(await compareWithTruth(client, world.simulator, streams, schema)).toEqual([]);
});

/** All rows of the engine's tables. */
async function engineState(): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'penstock'`,
  );
  expect(rows.length).toBeGreaterThan(0);
  let state = '';
  for (const { name } of rows) {
    const table = await client.query(`select * from penstock.${escapeIdentifier(name)}`);
    state += JSON.stringify(table.rows);
  }
  return state;
}
