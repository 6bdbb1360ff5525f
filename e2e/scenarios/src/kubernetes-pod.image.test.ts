import { setTimeout as delay } from 'node:timers/promises';
import { chooseStreams, type Stream } from '@penstock/protocol';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { discover } from './harness/catalog.ts';
import { compareWithTruth, countDuplicates } from './harness/compare.ts';
import { type ContainerWorld, SIMULATOR_URL, startContainerWorld } from './harness/containers.ts';
import { actionFor, exampleSecrets, type Layout, readLayout } from './harness/kubernetes-manifest.ts';
import { type Cluster, leftovers, type RunningPod, startPod } from './harness/kubernetes-pod.ts';
import { scenarioSeed, seededRandom } from './harness/random.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const API_KEY = 'sk_test_podsecret';

let world: ContainerWorld;
let client: pg.Client;
let folder: ScenarioFolder;
let streams: readonly Stream[];
let three: Layout;
let one: Layout;

beforeAll(async () => {
  [world, folder, three, one] = await Promise.all([
    startContainerWorld(['--seed', '31', '--objects', '600', '--count', '/v1/customers=12000']),
    makeScenarioFolder(0o755),
    readLayout('three-containers'),
    readLayout('one-container'),
  ]);
  client = await world.database.connect();
  const config = await folder.json('host.json', { api_key: API_KEY, base_url: world.simulator.url });
  streams = chooseStreams((await discover(config)).streams);
});

const pods: RunningPod[] = [];
afterEach(async () => {
  await Promise.all(pods.splice(0).map((pod) => pod.remove()));
  expect(await leftovers()).toEqual([]);
});

afterAll(async () => {
  await client?.end();
  await world?.remove();
  await folder?.remove();
});

interface Changes {
  /** Name of the state, and schema of the tables. */
  readonly name: string;
  /** Requests a second. */
  readonly rate?: number;
  readonly apiKey?: string;
  readonly stateUrl?: string;
  readonly destinationUrl?: string;
  /** Content put in the place of a file of the config. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The cluster for a pod: the example's secrets with values, and the layout's config with what a user would change. */
async function clusterFor(
  layout: Layout,
  { name, rate = 1000, apiKey = API_KEY, stateUrl, destinationUrl, files }: Changes,
): Promise<Cluster> {
  const secrets = await exampleSecrets();
  secrets['penstock-source']!.api_key = `${apiKey}\n`;
  secrets['penstock-destination']!.url = destinationUrl ?? world.database.url;
  secrets['penstock-state']!.url = stateUrl ?? world.database.url;
  const source = { base_url: SIMULATOR_URL, rate_limit: rate };
  const config = { ...layout.config };
  const pipeline = config['pipeline.yaml']!.replace('stripe-to-postgres', name);
  config['pipeline.yaml'] = pipeline
    .replace('{ api_key_file:', `{ base_url: "${SIMULATOR_URL}", rate_limit: ${rate}, api_key_file:`)
    .replace('schema: stripe', `schema: ${name}`);
  for (const [file, more] of [
    ['source.json', source],
    ['destination.json', { schema: name }],
  ] as const) {
    if (config[file] !== undefined) config[file] = JSON.stringify({ ...JSON.parse(config[file]), ...more });
  }
  return { network: world.network, folder, secrets, configMaps: { penstock: { ...config, ...files } } };
}

async function start(layout: Layout, changes: Changes): Promise<RunningPod> {
  const pod = await startPod(layout.pod, await clusterFor(layout, changes));
  pods.push(pod);
  return pod;
}

/** When the position of a source was last saved; empty before the first time. */
async function savedAt(name: string): Promise<string> {
  const query = `select max(updated_at)::text as at from penstock.sync_state
    where pipeline = $1 and section = 'source_stream'`;
  const saved = client.query<{ at: string | null }>(query, [name]);
  return saved.then(
    ({ rows }) => rows[0]!.at ?? '',
    () => '',
  );
}

/** Starts a slow pod; resolves when it has stored something and saved that. */
async function startUnderWay(layout: Layout, name: string): Promise<RunningPod> {
  const before = await savedAt(name);
  const pod = await start(layout, { name, rate: 20 });
  while ((await savedAt(name)) === before) await delay(50);
  return pod;
}

async function expectTables(schema: string): Promise<void> {
  expect(await compareWithTruth(client, world.simulator, streams, schema)).toEqual([]);
  expect(await countDuplicates(client, streams, schema)).toBe(0);
}

const all = ['source', 'destination', 'engine'];

describe('a pod of three containers', () => {
  test('fills every table with exactly what Stripe has, and the engine sees no secret of the connectors', async () => {
    const pod = await start(three, { name: 'whole' });
    const codes = await pod.ended;
    expect(codes, await pod.logs('engine')).toMatchObject({ source: 0, destination: 0, engine: 0 });
    await expectTables('whole');
    expect(await pod.logs('pipeline')).toMatch(/^customers +id, /m);
    const logs = await Promise.all(all.map((name) => pod.logs(name)));
    const inspected = await Promise.all(all.map((name) => pod.inspect(name)));
    for (const secret of [API_KEY, `:${new URL(world.database.url).password}@`]) {
      expect([...logs, ...inspected].filter((text) => text.includes(secret))).toEqual([]);
    }
    expect(inspected[2]).not.toMatch(/secrets\/(source|destination)/);
  });

  test('completes its Job when there is nothing left to do in the run', async () => {
    const query = `select data ->> 'run_id' as id from penstock.sync_state
      where pipeline = 'whole' and section = 'sync_run' and stream = ''`;
    const { rows } = await client.query<{ id: string }>(query);
    const containers = three.pod.containers.map((container) =>
      container.name === 'engine' ? { ...container, args: [...container.args!, `--run-id=${rows[0]!.id}`] } : container,
    );
    const again = await start({ ...three, pod: { ...three.pod, containers } }, { name: 'whole' });
    expect(await again.ended, await again.logs('engine')).toMatchObject({ source: 0, destination: 0, engine: 0 });
    expect(await again.logs('engine')).toContain('there is nothing left to do in it');
  });

  test('goes on from wherever the one before was killed or evicted', async () => {
    const random = seededRandom(scenarioSeed());
    for (const victim of all) {
      const pod = await startUnderWay(three, 'ended');
      await delay(random() * 1500);
      await pod.signal('KILL', victim);
      const codes = await pod.ended;
      expect(codes[victim]).toBe(137);
      expect(codes.engine, await pod.logs('engine')).toBe(victim === 'engine' ? 137 : 30);
      expect(actionFor(three.job, codes)).toBe('Count');
    }
    const evicted = await startUnderWay(three, 'ended');
    await evicted.signal('TERM', ...all);
    const codes = await evicted.ended;
    expect(codes.engine, await evicted.logs('engine')).toBe(10);
    expect(actionFor(three.job, codes)).toBe('Ignore');
    const last = await start(three, { name: 'ended' });
    expect(await last.ended, await last.logs('engine')).toMatchObject({ source: 0, destination: 0, engine: 0 });
    expect(await last.logs('engine')).toContain('Going on with the unfinished run');
    await expectTables('ended');
  });

  test('fails its Job at once when the key is wrong', async () => {
    const pod = await start(three, { name: 'wrong_key', apiKey: 'nonsense' });
    const codes = await pod.ended;
    expect(codes.engine).toBe(20);
    expect(actionFor(three.job, codes)).toBe('FailJob');
    expect(await pod.logs('engine')).toMatch(/Stripe/);
  });

  test('fails its Job at once when the password of the destination is wrong, which only its main container finds', async () => {
    const url = new URL(world.database.url);
    url.password = 'nonsense';
    const pod = await start(three, { name: 'wrong_password', destinationUrl: url.href });
    const codes = await pod.ended;
    expect(codes, await pod.logs('engine')).toMatchObject({ 'destination-check': 0, destination: 20, engine: 20 });
    expect(actionFor(three.job, codes)).toBe('FailJob');
  });

  test('fails its Job at once when the config of the source is wrong, before anything else runs', async () => {
    const pod = await start(three, { name: 'no_key', apiKey: 'a key with spaces' });
    const codes = await pod.ended;
    expect(codes).toEqual({ pipes: 0, 'source-spec': 0, 'source-discover': 20 });
    expect(actionFor(three.job, codes)).toBe('FailJob');
    expect(await pod.logs('source-discover')).toContain('api_key');
  });

  test.each([
    ['pipeline.yaml', 'pipeline', 20, 'source: { pipe: /pipes/source }\n'],
    ['destination.json', 'destination-check', 2, '{ "schema": "stripe", }\n'],
  ])('fails its Job at once when there is a mistake in %s', async (file, container, exitCode, content) => {
    const pod = await start(three, { name: 'mistake', files: { [file]: content } });
    const codes = await pod.ended;
    expect(Object.keys(codes), await pod.logs(container)).not.toContain('engine');
    expect(codes[container]).toBe(exitCode);
    expect(actionFor(three.job, codes)).toBe('FailJob');
    expect(await pod.logs(container)).toContain(file);
  });

  test('ends soon, all of it, when the state can not be reached', async () => {
    const startedAtMs = Date.now();
    const pod = await start(three, { name: 'no_state', stateUrl: 'postgres://x@warehouse:1/none' });
    const codes = await pod.ended;
    expect(codes.engine, await pod.logs('engine')).toBe(50);
    expect(actionFor(three.job, codes)).toBe('Count');
    expect(Date.now() - startedAtMs).toBeLessThan(60_000);
  });
});

describe('a pod of one container', () => {
  test('saves its state when it is evicted, and the next one fills every table with exactly what Stripe has', async () => {
    const first = await startUnderWay(one, 'single');
    await first.signal('TERM', 'engine');
    const codes = await first.ended;
    expect(codes, await first.logs('engine')).toEqual({ engine: 10 });
    expect(actionFor(one.job, codes)).toBe('Ignore');
    const next = await start(one, { name: 'single' });
    expect(await next.ended, await next.logs('engine')).toEqual({ engine: 0 });
    await expectTables('single');
  });
});
