import { chmod, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LocalPostgres, startLocalPostgres } from '@penstock/local-postgres';
import { chooseStreams } from '@penstock/protocol';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { discover } from './harness/catalog.ts';
import { compareWithTruth } from './harness/compare.ts';
import { startProgram, whenUnderWay } from './harness/program.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

let simulator: Simulator;
let folder: ScenarioFolder;
let server: LocalPostgres;

/** A server of its own, because it is killed; durable, because what was committed must be there afterwards. */
function startServer(port?: number): Promise<LocalPostgres> {
  return startLocalPostgres({
    dataDir: folder.file('postgres'),
    version: inject('postgresVersion'),
    ...(port === undefined ? {} : { port }),
  });
}

beforeAll(async () => {
  folder = await makeScenarioFolder();
  // The server may run as another user; where that one can't get in, its data would lie elsewhere and stay.
  await chmod(folder.path, 0o755);
  [simulator, server] = await Promise.all([startSimulator(['--seed', '14', '--objects', '10000']), startServer()]);
});

afterAll(async () => {
  await Promise.all([simulator?.stop(), server?.stop()]);
  await folder?.remove();
});

test('a sync whose Postgres is killed and comes back loses nothing', async () => {
  const source = { api_key: 'sk_test_scenario', base_url: simulator.url, rate_limit: 40 };
  const streams = chooseStreams((await discover(await folder.json('source.json', source))).streams);
  const pipeline = await folder.json('pipeline.json', {
    name: 'kill-postgres',
    source: { type: 'stripe', stripe: source },
    destination: { type: 'postgres', postgres: { url: server.url, schema: 'stripe' } },
  });
  const sync = startProgram('penstock', ['sync', '--config', pipeline, '--plain'], { input: '' });
  await whenUnderWay(sync);
  await delay(700);
  const [pid] = (await readFile(path.join(folder.file('postgres'), 'data', 'postmaster.pid'), 'utf8')).split('\n');
  process.kill(Number(pid), 'SIGKILL');
  const { port } = server;
  await server.stop();
  server = await startServer(port);

  const first = await sync.ended;
  // Both the destination and the state store try again for a while; when that was too short, the exit code says so.
  expect([0, 30, 50], first.stderr).toContain(first.code);
  const last = await startProgram('penstock', ['sync', '--config', pipeline, '--plain'], { input: '' }).ended;
  expect(last, last.stderr).toMatchObject({ code: 0 });

  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  expect(await compareWithTruth(client, simulator, streams, 'stripe')).toEqual([]);
  await client.end();
});
