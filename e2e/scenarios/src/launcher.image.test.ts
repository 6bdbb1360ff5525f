import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Stream } from '@penstock/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { streamsNamed } from './harness/catalog.ts';
import { compareWithTruth, countDuplicates } from './harness/compare.ts';
import { type ContainerWorld, SIMULATOR_URL, startContainerWorld } from './harness/containers.ts';
import { discoverInContainer } from './harness/docker-pipe.ts';
import { scenarioSeed, seededRandom } from './harness/random.ts';
import { docker, dockerLines, type RunningShell, runShell, startShell } from './harness/shell.ts';
import { prepareWay, type SyncPlan, type Way } from './harness/ways.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

type Victim = 'source' | 'destination' | 'engine' | 'starting engine' | 'postgres';

/** Who is killed, one a run. Postgres last: a run may get over that, and reach its end. */
const VICTIMS: Readonly<Partial<Record<Way, readonly Victim[]>>> = {
  'launcher on the host': ['source', 'starting engine', 'destination', 'engine'],
  'launcher in a container': ['engine', 'postgres'],
};

let world: ContainerWorld;
let folder: ScenarioFolder;
let customers: readonly Stream[];
let random: () => number;

beforeAll(async () => {
  random = seededRandom(scenarioSeed());
  [world, folder] = await Promise.all([
    startContainerWorld(['--seed', '25', '--objects', '0', '--count', '/v1/customers=16000']),
    makeScenarioFolder(0o755),
  ]);
  await folder.json('source.json', { api_key: 'sk_test_scenario', base_url: SIMULATOR_URL });
  customers = streamsNamed(await discoverInContainer(folder, world.network, 'source.json'), ['customers']);
});

afterAll(async () => {
  await world?.remove();
  await folder?.remove();
});

/** Waits until the source has asked for some pages, or the run is over, and a random moment longer. */
async function whenInTheMiddle(sync: RunningShell): Promise<void> {
  let hasEnded = false;
  void sync.ended.then(() => (hasEnded = true));
  while (((await world.simulator.requests())['/v1/customers']?.[200] ?? 0) < 5 && !hasEnded) await delay(20);
  await delay(random() * 500);
}

async function kill(victim: Victim, sync: RunningShell, plan: SyncPlan, way: Way): Promise<void> {
  if (victim === 'postgres') {
    const id = world.database.container.getId();
    await docker('kill', '--signal', 'KILL', id);
    await docker('start', id);
    await (await world.database.connect()).end();
    return;
  }
  const isEngine = victim === 'engine' || victim === 'starting engine';
  if (isEngine && way === 'launcher on the host') {
    process.kill(sync.pid, 'SIGKILL');
    return;
  }
  let hasEnded = false;
  void sync.ended.then(() => (hasEnded = true));
  // It may not be there yet.
  for (let isKilled = false; !isKilled && !hasEnded; await delay(20)) {
    const [id] = isEngine
      ? [`${plan.prefix}-engine`]
      : await world.containers(`penstock.command=${victim === 'source' ? 'read' : 'write'}`);
    if (id === undefined) continue;
    isKilled = await docker('kill', '--signal', 'KILL', id).then(
      () => true,
      () => false,
    );
  }
}

/** Waits until nothing that an engine made is there any more. @throws Error when something still is after a minute */
async function whenNothingIsLeft(volumes: readonly string[]): Promise<void> {
  const givenUpAt = Date.now() + 60_000;
  for (;;) {
    const containers = await world.containers();
    const kept = (await dockerLines('volume', 'ls', '--quiet')).filter((name) => volumes.includes(name));
    if (containers.length + kept.length === 0) return;
    if (Date.now() > givenUpAt) throw new Error(`still there: ${[...containers, ...kept].join(', ')}`);
    await delay(100);
  }
}

test.for(Object.keys(VICTIMS) as Way[])(
  '%s: killed at random moments, the next runs end with the right table',
  async (way) => {
    const own = await world.volumes();
    const prefix = `penstock-launcher-${randomBytes(4).toString('hex')}`;
    const schema = way.replaceAll(' ', '_');
    const plan = { prefix, world, folder, schema, rateLimit: 40, streams: ['customers'] };
    const used: string[] = [];
    let cutShort = 0;
    for (const victim of VICTIMS[way]!) {
      // Where Postgres was restarted, it is elsewhere for the host.
      const script = await prepareWay(way, plan);
      await world.simulator.admin('reset', {});
      const sync = startShell(script, folder.path);
      if (victim === 'starting engine') await delay(random() * 1500);
      else await whenInTheMiddle(sync);
      const volumes = (await world.volumes()).filter((name) => !own.includes(name));
      used.push(...volumes);
      await kill(victim, sync, plan, way);
      const { code } = await sync.ended;
      if (code !== 0) cutShort += 1;
      // What was made and never started waits for the sweep of the next engine.
      if (victim !== 'starting engine') await whenNothingIsLeft(volumes);
    }
    expect(cutShort).toBeGreaterThanOrEqual(VICTIMS[way]!.length - 1);

    const last = await runShell(await prepareWay(way, plan), folder.path);
    expect(last.code, last.output).toBe(0);
    const client = await world.database.connect();
    try {
      expect(await compareWithTruth(client, world.simulator, customers, schema)).toEqual([]);
      expect(await countDuplicates(client, customers, schema)).toBe(0);
    } finally {
      await client.end();
    }
    await whenNothingIsLeft(used);
  },
);
