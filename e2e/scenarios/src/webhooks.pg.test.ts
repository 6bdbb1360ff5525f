import { createHmac } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { parseLine, type Stream } from '@penstock/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configure, discover, streamsNamed } from './harness/catalog.ts';
import { compareWithTruth } from './harness/compare.ts';
import { startShell } from './harness/pipe.ts';
import { runProgram } from './harness/program.ts';
import { type Simulator, startSimulator, whenSettled } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

/** What arrives at the webhook endpoint is piped in by whoever runs that. */
const PIPE = `set -o pipefail
  cat deliveries.ndjson | source-stripe read --config source.json --catalog catalog.json $STATE_FLAG --source-input - |
  destination-postgres write --config destination.json --catalog catalog.json |
  tee -a state.ndjson > /dev/null`;
const WEBHOOK_URL = 'https://hooks.example.com/stripe';

let simulator: Simulator;
let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let customers: Stream;
let configPath: string;

beforeAll(async () => {
  [simulator, database, folder] = await Promise.all([
    startSimulator(['--seed', '45', '--objects', '0', '--count', '/v1/customers=300']),
    createTestDatabase(),
    makeScenarioFolder(),
  ]);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const config = { api_key: 'sk_test_scenario', base_url: simulator.url, webhook_url: WEBHOOK_URL };
  configPath = await folder.json('source.json', config);
  [customers] = streamsNamed((await discover(configPath)).streams, ['customers']) as [Stream];
  await folder.json('catalog.json', configure([customers]));
  await folder.json('destination.json', { url: database.url });
});

afterAll(async () => {
  await client?.end();
  await Promise.all([simulator?.stop(), database?.drop(), folder?.remove()]);
});

/** Runs the pipe with these deliveries. @returns what was logged */
async function pipe(stateFlag: string, deliveries: string): Promise<string> {
  await folder.text('deliveries.ndjson', deliveries.trimEnd());
  const { code, stderr } = await startShell(PIPE, { cwd: folder.path, env: { STATE_FLAG: stateFlag } }).ended;
  expect(code, stderr).toBe(0);
  return stderr;
}

async function endpoints(): Promise<{ url: string }[]> {
  const lines = (await simulator.truth('/v1/webhook_endpoints')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as { url: string });
}

const nameOf = async (id: string): Promise<unknown> =>
  (await client.query(`select _raw_data -> 'name' as name from customers where id = $1`, [id])).rows[0]?.name;

interface Delivery {
  readonly payload: string;
  readonly signature: string;
}

/** An event about a customer that is in no list of events, so that only a webhook can have brought it. */
function eventAbout(customer: Record<string, unknown>, like: Delivery, created: number): string {
  const event = JSON.parse(like.payload) as Record<string, unknown>;
  return JSON.stringify({ ...event, id: `evt_${created}`, created, data: { object: customer } });
}

test('setup makes an endpoint whose deliveries are taken when they are signed, and teardown removes it', async () => {
  const setup = await runProgram('source-stripe', ['setup', '--config', configPath]);
  expect(setup, setup.stderr).toMatchObject({ code: 0 });
  const controls = setup.stdout
    .split('\n')
    .map(parseLine)
    .flatMap((line) => (line.kind === 'message' && line.message.type === 'control' ? [line.message.control] : []));
  expect(controls).toEqual([
    {
      control_type: 'source_config',
      source_config: expect.objectContaining({
        account_id: expect.stringMatching(/^acct_/),
        account_created: expect.any(Number),
        webhook_secret: expect.stringMatching(/^whsec_/),
        webhook_url: WEBHOOK_URL,
      }),
    },
  ]);
  expect((await endpoints()).map(({ url }) => url)).toEqual([WEBHOOK_URL]);
  const resolved = controls.flatMap((control) => ('source_config' in control ? [control.source_config] : []))[0]!;
  await folder.json('source.json', resolved);

  await pipe('', '');
  expect(await compareWithTruth(client, simulator, [customers])).toEqual([]);

  const { ids } = (await simulator.admin('objects/update', { path: '/v1/customers', count: 3 })) as { ids: string[] };
  await whenSettled(simulator, 0);
  const deliveries = await simulator.takeDeliveries();
  const sample = JSON.parse(deliveries.split('\n')[0]!) as Delivery;
  const others = (await simulator.truth('/v1/customers'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ id }) => !ids.includes(String(id)));
  const now = await simulator.now();
  const [told, forged] = [others[0]!, others[1]!];
  const payload = eventAbout({ ...told, name: 'Told by a webhook' }, sample, now);
  const digest = createHmac('sha256', String(resolved.webhook_secret)).update(`${now}.${payload}`).digest('hex');
  const signed: Delivery = { payload, signature: `t=${now},v1=${digest}` };
  const spoilt: Delivery = {
    payload: eventAbout({ ...forged, name: 'Forged' }, sample, now),
    signature: signed.signature,
  };

  const lines = [deliveries.trimEnd(), JSON.stringify(spoilt), JSON.stringify(signed)];
  const logged = await pipe('--state state.ndjson', lines.join('\n'));
  expect(await nameOf(String(told.id))).toBe('Told by a webhook');
  expect(await nameOf(String(forged.id))).toBe(forged.name);
  expect(logged.match(/A webhook event was refused: the signature is not of this payload/g)).toHaveLength(1);
  // All that the simulator knows of is there; of the other it knows nothing.
  const differences = await compareWithTruth(client, simulator, [customers]);
  expect(differences).toMatchObject([{ missing: 0, extra: 0, different: 1, samples: [{ id: told.id }] }]);

  const teardown = await runProgram('source-stripe', ['teardown', '--config', configPath]);
  expect(teardown, teardown.stderr).toMatchObject({ code: 0 });
  expect(await endpoints()).toEqual([]);
});
