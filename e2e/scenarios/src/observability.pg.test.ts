import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeSandbox, runBlocks, type Sandbox, shellBlocks } from './harness/docs-blocks.ts';
import { isFree } from './harness/free-port.ts';
import { programFolder } from './harness/program.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';

/** The guide names it, so that its reader can. */
const METRICS_PORT = 9464;
const CUSTOMERS = 3000;

let simulator: Simulator;
let database: TestDatabase;
let sandbox: Sandbox;

beforeAll(async () => {
  [simulator, database, sandbox] = await Promise.all([
    startSimulator(['--seed', '17', '--objects', '20', '--count', `/v1/customers=${CUSTOMERS}`]),
    createTestDatabase(),
    makeSandbox(),
  ]);
});

afterAll(async () => {
  await Promise.all([simulator?.stop(), database?.drop(), sandbox?.remove()]);
});

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LINE = new RegExp(
  `^(?:|# HELP ${NAME} .+|# TYPE ${NAME} (?:counter|gauge)|${NAME}\\{(?:${NAME}="(?:[^"\\\\]|\\\\["\\\\n])*",?)+\\} -?[0-9.]+(?:e[+-]?[0-9]+)?)$`,
);

/** The metrics as they are now; undefined while nobody serves them. */
async function scrape(): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    return await response.text();
  } catch {
    return undefined;
  }
}

/** The sum of all values of a metric whose labels have this text in them. */
function sumOf(text: string, name: string, label: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test('every command of the guide to observability works, and the sync can be scraped while it goes on', async () => {
  const blocks = await shellBlocks('docs/guide/observability.md');
  expect(blocks).toHaveLength(3);
  expect(await isFree(METRICS_PORT), `port ${METRICS_PORT} has to be free`).toBe(true);
  let isOver = false;
  const running = runBlocks(blocks, sandbox.path, {
    PATH: `${programFolder()}:${process.env.PATH}`,
    STRIPE_API_KEY: 'sk_test_observed',
    STRIPE_BASE_URL: simulator.url,
    // Long enough to be scraped: there are more than a hundred requests.
    STRIPE_RATE_LIMIT: '20',
    DATABASE_URL: database.url,
  }).finally(() => {
    isOver = true;
  });
  const scraped: string[] = [];
  while (!isOver) {
    const text = await scrape();
    if (text !== undefined) scraped.push(text);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { code, output } = await running;
  expect(code, output).toBe(0);

  expect(scraped.length).toBeGreaterThan(5);
  for (const text of scraped) for (const line of text.split('\n')) expect(line).toMatch(LINE);
  const read = scraped.map((text) => sumOf(text, 'penstock_records_read_total', 'stream="customers"'));
  expect(read).toEqual(read.toSorted((a, b) => a - b));
  expect(read.at(-1)).toBeGreaterThan(0);
  const last = scraped.at(-1)!;
  expect(sumOf(last, 'penstock_records_written_total', 'outcome="created"')).toBeGreaterThan(0);
  expect(sumOf(last, 'penstock_records_written_total', 'outcome="unknown"')).toBe(0);
  expect(sumOf(last, 'penstock_read_bytes_total', 'stream="customers"')).toBeGreaterThan(read.at(-1)! * 100);
  expect(sumOf(last, 'penstock_rate_limited_total', 'component="source/stripe"')).toBe(0);

  expect(output).toMatch(/^ok$/m);
  const entries = (await readFile(path.join(sandbox.path, 'sync.log'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const entry of entries) expect(entry).toMatchObject({ pipeline: 'observed', run_id: expect.any(String) });
  expect(entries.at(-1)).toMatchObject({ event: 'run_ended', status: 'succeeded' });
  expect(entries).toContainEqual(
    expect.objectContaining({ event: 'stream_completed', stream: 'customers', records: CUSTOMERS }),
  );
  expect(output).toMatch(/^20\S+Z +\S+ s +done /m);
});
