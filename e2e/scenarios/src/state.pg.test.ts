import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSandbox, runBlocks, shellBlocks } from './harness/docs-blocks.ts';
import { makePipeline } from './harness/pipeline.ts';
import { programFolder, runProgram } from './harness/program.ts';
import { type Simulator, startSimulator, whenSettled } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let simulator: Simulator;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  folder = await makeScenarioFolder();
  simulator = await startSimulator([
    ...['--seed', '61', '--objects', '0', '--count', '/v1/customers=400', '--count', '/v1/products=300'],
    ...['--count', '/v1/events=100'],
  ]);
});

afterAll(async () => {
  await client?.end();
  await Promise.all([simulator?.stop(), database?.drop(), folder?.remove()]);
});

test('a stream that was reset is read whole again and loses no update or delete, while the others go on from where they are', async () => {
  const streams = ['customers', 'products'];
  const plan = { name: 'reset', simulator, folder, databaseUrl: database.url, streams };
  const pipeline = await makePipeline(plan);
  const sync = async () => {
    const { code, stdout, stderr } = await pipeline.start().ended;
    expect(code, stderr + stdout.slice(-2000)).toBe(0);
  };
  const change = async () => {
    for (const path of ['/v1/customers', '/v1/products']) {
      await simulator.admin('objects/update', { path, count: 20 });
      await simulator.admin('objects/delete', { path, count: 5 });
      await simulator.admin('objects/create', { path, count: 4 });
    }
    await whenSettled(simulator, 0);
  };
  await sync();
  // Some of it is told by events before the reset, some after.
  await change();
  await sync();
  await change();
  const reset = await runProgram('penstock', [
    ...['state', 'reset', '--config', folder.file('reset.json'), '--stream', 'customers'],
  ]);
  expect(reset, reset.stderr).toMatchObject({ code: 0 });
  expect(reset.stdout).toContain('What belongs to no stream stays');
  await simulator.admin('reset', {});
  await sync();
  const requests = await simulator.requests();
  expect(requests['/v1/customers']?.[200]).toBeGreaterThanOrEqual(4);
  expect(requests['/v1/products']).toBeUndefined();
  expect(await pipeline.differences(client)).toEqual([]);
  await change();
  await sync();
  expect(await pipeline.differences(client)).toEqual([]);
});

test('every command of the guide to the saved state works', async () => {
  const sandbox = await makeSandbox();
  try {
    const blocks = await shellBlocks('docs/guide/state.md');
    expect(blocks.length).toBeGreaterThan(4);
    const at = { heading: 'between', text: 'cp shop-state.json before-reset.json\n' };
    const { code, output } = await runBlocks([...blocks.slice(0, 3), at, ...blocks.slice(3)], sandbox.path, {
      PATH: `${programFolder()}:${process.env.PATH}`,
      STRIPE_API_KEY: 'sk_test_state',
      STRIPE_BASE_URL: simulator.url,
      STRIPE_RATE_LIMIT: '500',
      DATABASE_URL: database.url,
    });
    expect(code, output).toBe(0);
    expect(output).toContain('now has the given state of pipeline "shop": 2 streams.');
    const kept = JSON.parse(await readFile(path.join(sandbox.path, 'before-reset.json'), 'utf8'));
    const backup = JSON.parse(await readFile(path.join(sandbox.path, 'shop-backup.json'), 'utf8'));
    expect(kept).toEqual({ pipeline: 'shop', ...backup });
  } finally {
    await sandbox.remove();
  }
});

test('every command of the guide to past runs works', async () => {
  const sandbox = await makeSandbox();
  try {
    const { code, output } = await runBlocks(await shellBlocks('docs/guide/runs.md'), sandbox.path, {
      PATH: `${programFolder()}:${process.env.PATH}`,
      STRIPE_API_KEY: 'sk_test_runs',
      STRIPE_BASE_URL: simulator.url,
      STRIPE_RATE_LIMIT: '500',
      DATABASE_URL: database.url,
    });
    expect(code, output).toBe(0);
    const { rows } = await client.query('select count(*)::int as n from history.customers');
    expect(output).toMatch(new RegExp(`^20\\S+Z +\\S+ s +done +${rows[0].n} +${rows[0].n} `, 'm'));
    expect(output).toMatch(/^\{"pipeline":"history","run_id":"run_/m);
  } finally {
    await sandbox.remove();
  }
});
