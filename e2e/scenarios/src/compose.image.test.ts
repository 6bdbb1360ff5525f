import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { chooseStreams } from '@penstock/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareWithTruth } from './harness/compare.ts';
import { type ComposeProject, composeProject } from './harness/compose.ts';
import { SIMULATOR_URL } from './harness/containers.ts';
import { discoverInContainer } from './harness/docker-pipe.ts';
import { repositoryRoot } from './harness/program.ts';
import { type Simulator, simulatorAt } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

/** Lets the test in; users of the file need no port of the host. */
const PUBLISHED = {
  services: { stripe: { ports: ['127.0.0.1::12111'] }, postgres: { ports: ['127.0.0.1::5432'] } },
};

const composeFolder = path.join(repositoryRoot, 'docker');
const name = `penstock-compose-${randomBytes(4).toString('hex')}`;
let folder: ScenarioFolder;
let project: ComposeProject;

beforeAll(async () => {
  folder = await makeScenarioFolder(0o755);
  const published = await folder.json('published.json', PUBLISHED);
  project = composeProject(name, [path.join(composeFolder, 'compose.yml'), published], composeFolder);
});

afterAll(async () => {
  await project?.run('down --volumes --remove-orphans');
  await folder?.remove();
});

/** Compares all tables with what the project's simulator has. */
async function tablesDiffer(simulator: Simulator): Promise<unknown[]> {
  await folder.json('source.json', { api_key: 'sk_test_compose', base_url: SIMULATOR_URL });
  const streams = chooseStreams(await discoverInContainer(folder, `${name}_default`, 'source.json'));
  const password = (await readFile(path.join(composeFolder, 'compose/postgres-password.txt'), 'utf8')).trim();
  const address = await project.address('postgres', 5432);
  const client = new pg.Client(`postgres://postgres:${password}@${address}/warehouse`);
  await client.connect();
  try {
    return await compareWithTruth(client, simulator, streams, 'stripe');
  } finally {
    await client.end();
  }
}

test('docker-compose brings up a Postgres and an account, syncs them, again and again, and takes all away', async () => {
  const up = await project.run('up --no-color --exit-code-from sync');
  expect(up.code, up.output).toBe(0);
  expect(up.output).toContain('stripe-to-postgres: complete');

  const started = await project.run('up --detach stripe postgres');
  expect(started.code, started.output).toBe(0);
  const simulator = simulatorAt(`http://${await project.address('stripe', 12111)}`, async () => {});
  expect(await tablesDiffer(simulator)).toEqual([]);

  await simulator.admin('objects/create', { path: '/v1/customers', count: 150 });
  await simulator.admin('clock?advance_s=60', {});
  await simulator.admin('reset', {});
  const again = await project.run('run --rm -T sync');
  expect(again.code, again.output).toBe(0);
  expect(await tablesDiffer(simulator)).toEqual([]);
  // What is new comes from the events; of the list only what was created after the first run's end and before events began to tell.
  expect((await simulator.requests())['/v1/customers']?.[200] ?? 0).toBeLessThanOrEqual(1);

  const down = await project.run('down --volumes');
  expect(down.code, down.output).toBe(0);
  expect(await project.leftovers()).toEqual([]);
});
