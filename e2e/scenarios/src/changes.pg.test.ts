import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makePipeline, type Pipeline } from './harness/pipeline.ts';
import { type Simulator, startSimulator, whenSettled } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const DAY_S = 86_400;

let database: TestDatabase;
let client: pg.Client;
let folder: ScenarioFolder;
let simulator: Simulator;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

beforeEach(async () => {
  folder = await makeScenarioFolder();
});

afterEach(async () => {
  await Promise.all([simulator?.stop(), folder?.remove()]);
});

async function sync(pipeline: Pipeline): Promise<string> {
  const { code, stdout, stderr } = await pipeline.start().ended;
  expect(code, stderr + stdout.slice(-2000)).toBe(0);
  return stdout + stderr;
}

const change = (what: 'create' | 'update' | 'delete', path: string, count: number): Promise<unknown> =>
  simulator.admin(`objects/${what}`, { path, count });

test('a second sync brings what was created, updated and deleted since the first, with a handful of requests', async () => {
  simulator = await startSimulator([
    ...['--seed', '41', '--objects', '0', '--count', '/v1/customers=3000'],
    ...['--count', '/v1/invoices=1500', '--count', '/v1/subscriptions=800', '--count', '/v1/events=300'],
  ]);
  const streams = ['customers', 'invoices', 'subscriptions'];
  const plan = { name: 'changes', simulator, folder, databaseUrl: database.url, streams };
  const pipeline = await makePipeline(plan);
  await sync(pipeline);
  expect(await pipeline.differences(client)).toEqual([]);

  for (const path of ['/v1/customers', '/v1/invoices', '/v1/subscriptions']) {
    await change('update', path, 20);
    await change('delete', path, 5);
    await change('create', path, 4);
  }
  await whenSettled(simulator, 0);
  await simulator.admin('reset', {});
  await sync(pipeline);
  const requests = await simulator.requests();
  // The account, one page of 87 events, and the rest of the long list in a subscription that changed.
  expect(requests).toEqual({
    '/v1/account': { 200: 1 },
    '/v1/events': { 200: 1 },
    '/v1/subscription_items': { 200: 1 },
  });
  expect(await pipeline.differences(client)).toEqual([]);
});

test('a sync after more than the 30 days that Stripe keeps events says so, and reads again what they would have told', async () => {
  // So that after the leap its clock is the engine's, which ends a run at the present.
  const leapS = 31 * DAY_S;
  const to = Math.trunc(Date.now() / 1000) - leapS - 3600;
  simulator = await startSimulator([
    ...['--seed', '42', '--objects', '0', '--count', '/v1/customers=2000', '--count', '/v1/invoices=700'],
    ...['--clock-offset-s', String(-leapS), '--from', String(to - 900 * DAY_S), '--to', String(to)],
  ]);
  const plan = { name: 'gap', simulator, folder, databaseUrl: database.url, streams: ['customers', 'invoices'] };
  const pipeline = await makePipeline(plan);
  await sync(pipeline);
  expect(await pipeline.differences(client)).toEqual([]);

  for (const path of ['/v1/customers', '/v1/invoices']) {
    await change('update', path, 30);
    await change('create', path, 10);
  }
  await simulator.advanceClock(leapS);
  for (const path of ['/v1/customers', '/v1/invoices']) {
    await change('update', path, 10);
    await change('create', path, 5);
    // Of what was deleted before, no event is left.
    await change('delete', path, 5);
  }
  await whenSettled(simulator);
  const said = await sync(pipeline);
  expect(said).toContain('Stripe keeps events for 30 days');
  expect(said).toMatch(/They are read whole/);
  expect(await pipeline.differences(client)).toEqual([]);
});

test('a list under a parent that is named is complete in its table, and objects hold their lists whole', async () => {
  simulator = await startSimulator(['--seed', '43', '--objects', '0', '--count', '/v1/invoices=1500']);
  const plan = { name: 'children', simulator, folder, databaseUrl: database.url };
  const pipeline = await makePipeline({ ...plan, streams: ['invoices', 'invoices_lines'] });
  await sync(pipeline);
  // The truth of invoices is taken with all their lines: see harness/expected-objects.ts.
  expect(await pipeline.differences(client)).toEqual([]);
  const { rows } = await client.query(`
    select (select count(*)::int from children.invoices_lines) as lines,
           (select count(*)::int from children.invoices i, jsonb_array_elements(i._raw_data -> 'lines' -> 'data')) as inside,
           (select max(jsonb_array_length(_raw_data -> 'lines' -> 'data')) > 100 from children.invoices) as has_long_ones,
           (select count(*)::int from children.invoices_lines l join children.invoices i on i.id = l._parent_id) as placed`);
  const { '/v1/invoices/{parent}/lines': lines } = await simulator.truthSummary();
  expect(rows[0]).toEqual({ lines, inside: lines, has_long_ones: true, placed: lines });
});
