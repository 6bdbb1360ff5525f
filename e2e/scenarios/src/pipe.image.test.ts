import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseLine, type Stream } from '@penstock/protocol';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configure } from './harness/catalog.ts';
import { compareWithTruth, countDuplicates } from './harness/compare.ts';
import { type ContainerWorld, SIMULATOR_URL, startContainerWorld } from './harness/containers.ts';
import { discoverInContainer, killClient, pipeScript } from './harness/docker-pipe.ts';
import { scenarioSeed, seededRandom } from './harness/random.ts';
import { docker, dockerLines, type RunningShell, runShell, startShell } from './harness/shell.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

let world: ContainerWorld;
let client: pg.Client;
let folder: ScenarioFolder;
let customers: Stream;
/** Starts the names of this file's containers. */
const prefix = `penstock-pipe-${randomBytes(4).toString('hex')}`;

beforeAll(async () => {
  [world, folder] = await Promise.all([
    startContainerWorld(['--seed', '21', '--objects', '0', '--count', '/v1/customers=16000']),
    makeScenarioFolder(0o755),
  ]);
  client = await world.database.connect();
  await folder.json('fast-source.json', { api_key: 'sk_test_pipe', base_url: SIMULATOR_URL, rate_limit: 1000 });
  await folder.json('source.json', { api_key: 'sk_test_pipe', base_url: SIMULATOR_URL, rate_limit: 40 });
  await folder.json('destination.json', { url: world.database.url });
  const streams = await discoverInContainer(folder, world.network, 'source.json');
  customers = streams.find((stream) => stream.name === 'customers')!;
  await folder.json('catalog.json', configure([customers]));
  const made = await runShell('mkfifo lifeline', folder.path);
  expect(made.code, made.output).toBe(0);
});

afterAll(async () => {
  await client?.end();
  await world?.remove();
  await folder?.remove();
});

/** Names of the running containers of a round. */
const running = (name: string) => dockerLines('ps', '--format', '{{.Names}}', '--filter', `name=${prefix}-${name}-`);

/** Waits until a round's containers are gone. @throws Error when they aren't after ten seconds */
async function whenGone(name: string): Promise<void> {
  const givenUpAt = Date.now() + 60_000;
  for (let left = await running(name); left.length > 0; left = await running(name)) {
    if (Date.now() > givenUpAt) throw new Error(`still running: ${left.join(', ')}`);
    await delay(50);
  }
}

async function checkpoints(): Promise<number> {
  const lines = (await readFile(folder.file('state.ndjson'), 'utf8').catch(() => '')).split('\n');
  return lines.map(parseLine).filter((line) => line.kind === 'message' && line.message.type === 'source_state').length;
}

/** Starts the pipe, from the state when there is one. */
async function startPipe(name: string): Promise<RunningShell> {
  const resumed = (await checkpoints()) > 0;
  return startShell(pipeScript({ prefix: `${prefix}-${name}`, network: world.network, resumed }), folder.path);
}

/** Resolves when a pipe has put out a checkpoint, and so is in the middle of its work, or has ended. */
async function whenUnderWay(pipe: RunningShell): Promise<void> {
  const before = await checkpoints();
  let ended = false;
  void pipe.ended.then(() => (ended = true));
  while (!ended && (await checkpoints()) <= before) await delay(20);
}

/** Who is killed: a container, or the docker command that it is attached to. */
const VICTIMS = ['source', 'destination', 'source client', 'destination client'] as const;

test('a pipe whose containers and docker commands are killed at random moments ends with the right table', async () => {
  const random = seededRandom(scenarioSeed());
  let cutShort = 0;
  for (let round = 0; round < 5; round++) {
    const pipe = await startPipe(`round${round}`);
    await whenUnderWay(pipe);
    await delay(random() * 200);
    const [side, isClient] = VICTIMS[Math.trunc(random() * VICTIMS.length)]!.split(' ') as [string, string?];
    const name = `${prefix}-round${round}-${side}`;
    if (isClient === undefined) await docker('kill', '--signal', 'KILL', name).catch(() => '');
    else await killClient(pipe.pid, name);
    const { code } = await pipe.ended;
    if (code !== 0) cutShort += 1;
    // Whoever was killed, with the lifeline nobody lives on.
    await whenGone(`round${round}`);
  }
  expect(cutShort).toBeGreaterThanOrEqual(2);

  const last = await (await startPipe('last')).ended;
  expect(last.code, last.output).toBe(0);
  expect(await compareWithTruth(client, world.simulator, [customers])).toEqual([]);
  expect(await countDuplicates(client, [customers])).toBe(0);
});

test('a pipe that is resumed after its end asks Stripe for no page that it has read', async () => {
  await world.simulator.admin('reset', {});
  const again = await (await startPipe('again')).ended;
  expect(again.code, again.output).toBe(0);
  // What is new comes from the events, and nobody reads the list again.
  expect(Object.keys(await world.simulator.requests()).sort()).toEqual(['/v1/account', '/v1/events']);
});

/** Kills the destination in the middle of a pipe, and waits until its shell has come back. */
async function loseDestination(name: string, lifeline: boolean): Promise<void> {
  const options = { prefix: `${prefix}-${name}`, network: world.network, state: `${name}.ndjson`, lifeline };
  const pipe = startShell(pipeScript(options), folder.path);
  while ((await readFile(folder.file(`${name}.ndjson`), 'utf8').catch(() => '')) === '') await delay(20);
  await docker('kill', '--signal', 'KILL', `${prefix}-${name}-destination`);
  const { code, output } = await pipe.ended;
  expect(code, output).not.toBe(0);
}

test('a source whose destination died lives on, and with the lifeline it stops', async () => {
  // Slow enough to be at work for longer than anything here takes.
  const slow = { api_key: 'sk_test_pipe', base_url: SIMULATOR_URL, rate_limit: 10 };
  await folder.json('source.json', slow);
  await loseDestination('orphan', false);
  await world.simulator.admin('reset', {});
  while (((await world.simulator.requests())['/v1/customers']?.[200] ?? 0) < 5) await delay(50);
  expect(await running('orphan')).toEqual([`${prefix}-orphan-source`]);
  await docker('kill', `${prefix}-orphan-source`);

  await loseDestination('tied', true);
  await whenGone('tied');
});

test('the records of a source lie in the log of the daemon, unless the log driver is none', async () => {
  const read = (name: string, driver: string) =>
    runShell(
      `docker run --name ${prefix}-${name} --log-driver ${driver} --network ${world.network} -v "$PWD":/config:ro -w /config \
        source-stripe read --config fast-source.json --catalog catalog.json | wc --lines`,
      folder.path,
    );
  const [kept, none] = [await read('kept', 'json-file'), await read('none', 'none')];
  expect(Number(kept.stdout)).toBeGreaterThan(16_000);
  expect(Number(none.stdout)).toBeGreaterThan(16_000);
  const log = (await docker('logs', `${prefix}-kept`))
    .split('\n')
    .filter((line) => line.startsWith('{"type":"record"'));
  expect(log).toHaveLength(16_000);
  await expect(docker('logs', `${prefix}-none`)).rejects.toThrow('does not support reading');
  await docker('rm', `${prefix}-kept`, `${prefix}-none`);
});
