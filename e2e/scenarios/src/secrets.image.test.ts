import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Network, type StartedNetwork } from 'testcontainers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findLeaks, findLeaksInImages } from './harness/leaks.ts';
import { docker, runShell } from './harness/shell.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const IMAGES = ['source-stripe', 'destination-postgres', 'penstock', 'stripe-simulator'];

const id = randomBytes(8).toString('hex');
const name = `penstock-leaky-${id}`;
const apiKey = `sk_test_marker${id}`;
const password = `password-marker-${id}`;
const markers = [apiKey, password];

let network: StartedNetwork;
let folder: ScenarioFolder;

beforeAll(async () => {
  [network, folder] = await Promise.all([new Network().start(), makeScenarioFolder()]);
});

afterAll(async () => {
  await docker('rm', '--force', name).catch(() => '');
  await docker('rmi', '--force', name).catch(() => '');
  await Promise.all([network?.stop(), folder?.remove()]);
});

test('the images hold no secret, nor anything that looks like one', async () => {
  expect(await findLeaksInImages(IMAGES, markers)).toEqual([]);
});

test('a container that leaks is found out', async () => {
  const script = `console.log(process.env.KEY); console.error('${password}'); setInterval(() => {}, 1000)`;
  await docker(
    ...['run', '--detach', '--name', name, '--network', network.getName(), '--env', `KEY=${apiKey}`],
    ...['--entrypoint', '/usr/local/bin/node', 'source-stripe', '-e', script],
  );
  while (!(await docker('logs', name)).includes(apiKey)) await delay(20);
  const leaks = await findLeaks(network.getName(), markers);
  expect(leaks).toEqual(
    expect.arrayContaining([
      `ps: ${password}`,
      `docker inspect: ${apiKey}`,
      `docker inspect: ${password}`,
      `docker top: ${password}`,
      `environment: ${apiKey}`,
      `docker logs: ${apiKey}`,
      `docker logs: ${password}`,
    ]),
  );
});

test('an image that leaks is found out', async () => {
  const key = ['sk', 'live', id.repeat(2)].join('_');
  await folder.text('key.txt', `url: postgres://sync:${password}@warehouse/x\nkey: ${key}`);
  await folder.text('Dockerfile', 'FROM source-stripe\nARG KEY\nLABEL key=$KEY\nCOPY key.txt /app/');
  const built = await runShell(
    `docker build --quiet --tag ${name} --build-arg KEY=${apiKey} --file Dockerfile .`,
    folder.path,
  );
  expect(built.code, built.output).toBe(0);
  const found = await findLeaksInImages([name], markers);
  expect(found).toEqual(
    expect.arrayContaining([`docker history: ${apiKey}`, `layer: ${apiKey}`, `layer: ${key}`, `layer: ${password}`]),
  );
});
