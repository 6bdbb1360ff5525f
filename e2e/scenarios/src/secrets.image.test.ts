import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { escapeIdentifier, escapeLiteral } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContainerWorld, startContainerWorld } from './harness/containers.ts';
import { findLeaks, findLeaksInImages } from './harness/leaks.ts';
import { docker, dockerLines, runShell, startShell } from './harness/shell.ts';
import { prepareWay, WAYS } from './harness/ways.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const IMAGES = ['source-stripe', 'destination-postgres', 'penstock', 'stripe-simulator'];

const id = randomBytes(8).toString('hex');
/** Nothing else has these words in it, so whatever shows them has leaked them. */
const apiKey = `sk_test_marker${id}`;
const login = { user: 'sync', password: `password-marker-${id}` };
const markers = [apiKey, login.password];

let world: ContainerWorld;
let folder: ScenarioFolder;
let client: pg.Client;

beforeAll(async () => {
  [world, folder] = await Promise.all([
    startContainerWorld(['--seed', '23', '--objects', '0', '--count', '/v1/customers=4000']),
    makeScenarioFolder(0o755),
  ]);
  client = await world.database.connect();
  await client.query(`create role sync login password ${escapeLiteral(login.password)}`);
  await client.query('grant create on database postgres to sync');
});

afterAll(async () => {
  await client?.end();
  await world?.remove();
  await folder?.remove();
});

/** Images of the containers that run in the network, but for those of the scenario itself. */
const running = async () =>
  (await dockerLines('ps', '--format', '{{.Image}}', '--filter', `network=${world.network}`))
    .map((image) => image.replace(/:.*/, ''))
    .filter((image) => image !== 'postgres' && image !== 'stripe-simulator')
    .sort();

/** Volumes of the containers in the network. */
const volumes = async () => {
  const ids = await dockerLines('ps', '--all', '--quiet', '--filter', `network=${world.network}`);
  const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}';
  return dockerLines('inspect', '--format', format, ...ids);
};

/** What runs while it reads, by the way of running. */
const CONTAINERS: Readonly<Record<(typeof WAYS)[number], readonly string[]>> = {
  pipe: ['destination-postgres', 'source-stripe'],
  'one container': ['penstock'],
  'launcher on the host': ['destination-postgres', 'source-stripe'],
  'launcher in a container': ['destination-postgres', 'penstock', 'source-stripe'],
  compose: ['penstock'],
};

test.for(WAYS)('%s: no secret is seen from outside, nor left behind', async (way) => {
  const prefix = `penstock-secrets-${id}-${WAYS.indexOf(way)}`;
  const schema = `way_${WAYS.indexOf(way)}`;
  const plan = { prefix, world, folder, schema, rateLimit: 8, streams: ['customers'], apiKey, login };
  const script = await prepareWay(way, plan);
  const kept = await volumes();
  await world.simulator.admin('reset', {});

  const sync = startShell(script, folder.path);
  let hasEnded = false;
  void sync.ended.then(() => (hasEnded = true));
  while (((await world.simulator.requests())['/v1/customers']?.[200] ?? 0) < 4 && !hasEnded) await delay(50);
  expect(await running()).toEqual(CONTAINERS[way]);
  const used = (await volumes()).filter((name) => !kept.includes(name));
  expect(await findLeaks(world.network, markers)).toEqual([]);
  expect(await running(), 'it has to be at work until all is looked at').toEqual(CONTAINERS[way]);

  const { code, output } = await sync.ended;
  expect(code, output).toBe(0);
  const state = await readFile(folder.file(`${prefix}.ndjson`), 'utf8').catch(() => stateIn(schema));
  for (const marker of markers) {
    expect(output).not.toContain(marker);
    expect(state).not.toContain(marker);
  }
  const left = await dockerLines('volume', 'ls', '--quiet');
  expect(left.filter((name) => used.includes(name))).toEqual([]);
});

/** All rows of the engine's tables. */
async function stateIn(schema: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'penstock'`,
  );
  expect(rows.length, schema).toBeGreaterThan(0);
  let state = '';
  for (const { name } of rows) {
    const table = await client.query(`select * from penstock.${escapeIdentifier(name)}`);
    state += JSON.stringify(table.rows);
  }
  return state;
}

test('the images hold no secret, nor anything that looks like one', async () => {
  expect(await findLeaksInImages(IMAGES, markers)).toEqual([]);
});

test('a container and an image that leak are found out', async () => {
  const name = `penstock-secrets-${id}-leaky`;
  const script = `console.log(process.env.KEY); console.error('${login.password}'); setInterval(() => {}, 1000)`;
  await docker(
    ...['run', '--detach', '--name', name, '--network', world.network, '--env', `KEY=${apiKey}`],
    ...['--entrypoint', '/usr/local/bin/node', 'source-stripe', '-e', script],
  );
  while (!(await docker('logs', name)).includes(apiKey)) await delay(20);
  const leaks = await findLeaks(world.network, markers);
  expect(leaks).toEqual(
    expect.arrayContaining([
      `ps: ${login.password}`,
      `docker inspect: ${apiKey}`,
      `docker inspect: ${login.password}`,
      `docker top: ${login.password}`,
      `environment: ${apiKey}`,
      `docker logs: ${apiKey}`,
      `docker logs: ${login.password}`,
    ]),
  );
  await docker('rm', '--force', name);

  const key = ['sk', 'live', id.repeat(2)].join('_');
  await folder.text('key.txt', `url: postgres://sync:${login.password}@warehouse/x\nkey: ${key}`);
  await folder.text('Dockerfile', 'FROM source-stripe\nARG KEY\nLABEL key=$KEY\nCOPY key.txt /app/');
  const built = await runShell(
    `docker build --quiet --tag ${name} --build-arg KEY=${apiKey} --file Dockerfile .`,
    folder.path,
  );
  expect(built.code, built.output).toBe(0);
  const found = await findLeaksInImages([name], markers);
  await docker('rmi', name);
  expect(found).toEqual(
    expect.arrayContaining([
      `docker history: ${apiKey}`,
      `layer: ${apiKey}`,
      `layer: ${key}`,
      `layer: ${login.password}`,
    ]),
  );
});
