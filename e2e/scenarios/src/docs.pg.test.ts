import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeSandbox, type PageBlock, runBlocks, type Sandbox, shellBlocks } from './harness/docs-blocks.ts';
import { isFree } from './harness/free-port.ts';
import { programFolder, repositoryRoot } from './harness/program.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';

let simulator: Simulator;
let database: TestDatabase;
let sandbox: Sandbox;

beforeAll(async () => {
  [simulator, database, sandbox] = await Promise.all([
    startSimulator(['--seed', '13', '--objects', '2000']),
    createTestDatabase(),
    makeSandbox(),
  ]);
});

afterAll(async () => {
  await Promise.all([simulator?.stop(), database?.drop(), sandbox?.remove()]);
});

test('every command of the README that needs no Docker works', async () => {
  const blocks = (await shellBlocks('README.md')).filter(({ heading }) => heading !== 'With Docker');
  expect(blocks.length).toBeGreaterThan(3);
  const { code, output } = await runBlocks(blocks, sandbox.path, {
    STRIPE_API_KEY: 'sk_test_readme',
    STRIPE_BASE_URL: simulator.url,
    STRIPE_RATE_LIMIT: '500',
    POSTGRES_URL: database.url,
    XDG_DATA_HOME: path.join(sandbox.path, 'data'),
  });
  expect(code, output).toBe(0);
  expect(output).toMatch(/tables in schema "stripe", [\d,]+ rows/);
  expect(output).toContain('stripe-to-postgres: complete');
  const { rows } = await database.pool.query('select count(*)::int as n from stripe.customers');
  expect(rows[0].n).toBeGreaterThan(0);
});

/** The tutorial names it, so that its reader can. */
const TUTORIAL_PORT = 12111;

test('every command of the tutorial works', async () => {
  const blocks = await shellBlocks('docs/tutorial/first-sync.md');
  expect(blocks.length).toBeGreaterThan(8);
  expect(await isFree(TUTORIAL_PORT), `port ${TUTORIAL_PORT} has to be free`).toBe(true);
  const { code, output } = await runBlocks(blocks, sandbox.path, {
    XDG_DATA_HOME: path.join(sandbox.path, 'tutorial-data'),
  });
  expect(code, output).toBe(0);
  expect(output).toContain('"status":"succeeded"');
  expect(output).toContain('tutorial: complete');
});

/** A folder in the sandbox, so that a page finds no file of another. */
async function emptyFolder(name: string): Promise<string> {
  const folder = path.join(sandbox.path, name);
  await mkdir(folder);
  return folder;
}

test('every command of the guide to pipeline files works, and the file is what the guide to syncing shows', async () => {
  const blocks = await shellBlocks('docs/guide/pipeline-file.md');
  expect(blocks.length).toBeGreaterThan(4);
  const folder = await emptyFolder('pipeline-file');
  const own = await createTestDatabase();
  try {
    const { code, output } = await runBlocks(blocks, folder, {
      PATH: `${programFolder()}:${process.env.PATH}`,
      STRIPE_API_KEY: 'sk_test_file',
      STRIPE_BASE_URL: simulator.url,
      STRIPE_RATE_LIMIT: '500',
      POSTGRES_URL: own.url,
    });
    expect(code, output).toBe(0);
    expect(output).toContain('stripe-to-postgres: complete');
    const { rows } = await own.pool.query('select count(*)::int as n from stripe.customers');
    expect(rows[0].n).toBeGreaterThan(0);
  } finally {
    await own.drop();
  }
  const text = await readFile(path.join(folder, 'pipeline.yaml'), 'utf8');
  const [first] = text.split('\n');
  const address = /^# yaml-language-server: \$schema=(.*)$/.exec(first!)?.[1];
  expect(address, first).toBe('../node_modules/@penstock/engine/schema/pipeline.json');
  const [shown] = /(?<=^```yaml\n).*?(?=^```$)/ms.exec(
    await readFile(path.join(repositoryRoot, 'docs/guide/sync.md'), 'utf8'),
  )!;
  const { destination, ...rest } = parse(shown);
  expect(parse(text)).toEqual({
    ...rest,
    destination: { ...destination, postgres: { ...destination.postgres, schema: 'stripe' } },
  });
  expect(parse(await readFile(path.join(folder, 'shop.yaml'), 'utf8'))).toMatchObject({ name: 'shop' });
});

/** The block as it stands there, but for where Stripe is. */
function withSimulator(block: PageBlock): PageBlock {
  return {
    ...block,
    text: block.text.replaceAll('"api_key":', `"base_url": "${simulator.url}", "rate_limit": 500, "api_key":`),
  };
}

test('every command of the guide to changes works, from making a webhook endpoint to removing it', async () => {
  const blocks = (await shellBlocks('docs/guide/stripe-changes.md')).map(withSimulator);
  const brings = blocks.findIndex(({ text }) => text.includes('deliveries.ndjson'));
  expect(brings).toBeGreaterThan(1);
  const web = await createTestDatabase();
  try {
    const env = {
      PATH: `${programFolder()}:${process.env.PATH}`,
      STRIPE_API_KEY: 'sk_test_webhooks',
      DATABASE_URL: web.url,
    };
    const before = await runBlocks(blocks.slice(0, brings), sandbox.path, env);
    expect(before.code, before.output).toBe(0);
    expect(await simulator.truth('/v1/webhook_endpoints')).toContain('hooks.example.com');

    const { ids } = (await simulator.admin('objects/update', { path: '/v1/customers', count: 3 })) as { ids: string[] };
    const deliveries = await simulator.takeDeliveries();
    expect(deliveries.trimEnd().split('\n').length).toBeGreaterThanOrEqual(3);
    await writeFile(path.join(sandbox.path, 'deliveries.ndjson'), deliveries);
    const after = await runBlocks(blocks.slice(brings), sandbox.path, env);
    expect(after.code, after.output).toBe(0);
    expect(after.output).not.toContain('was refused');
    const { rows } = await web.pool.query(
      `select count(*)::int as n from stripe.customers where id = any($1) and _raw_data #>> '{metadata,revision}' is not null`,
      [ids],
    );
    expect(rows[0].n).toBe(3);
    expect(await simulator.truth('/v1/webhook_endpoints')).not.toContain('hooks.example.com');
  } finally {
    await web.drop();
  }
});
