import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repositoryRoot } from './harness/program.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';

/** What a clone has and a sandbox must not share: it would be written to. */
const NOT_LINKED = new Set(['.git', '.penstock']);

let simulator: Simulator;
let database: TestDatabase;
let sandbox: string;

beforeAll(async () => {
  [simulator, database, sandbox] = await Promise.all([
    startSimulator(['--seed', '13', '--objects', '2000']),
    createTestDatabase(),
    mkdtemp(path.join(tmpdir(), 'penstock-docs-')),
  ]);
  // Its Postgres may run as another user; where that one can't get in, the data would lie elsewhere and stay.
  await chmod(sandbox, 0o755);
  for (const entry of await readdir(repositoryRoot)) {
    if (!NOT_LINKED.has(entry)) await symlink(path.join(repositoryRoot, entry), path.join(sandbox, entry));
  }
});

afterAll(async () => {
  await Promise.all([simulator?.stop(), database?.drop()]);
  if (sandbox !== undefined) await rm(sandbox, { recursive: true, force: true });
});

/** The shell blocks of a page, in their order. */
async function shellBlocks(page: string): Promise<string[]> {
  const text = await readFile(path.join(repositoryRoot, page), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1]!);
}

/** A reader types a block when the one before has answered: a background program of a block has time to start. */
const WHEN_STARTED = `
  for pid in $(jobs -p); do
    for _ in $(seq 200); do
      kill -0 "$pid" 2> /dev/null && [ ! -s simulator.log -o ! -s postgres-url.txt ] || break
      sleep 0.1
    done
  done`;

/** Runs blocks one after the other in one shell, as a reader would, and stops at the first that fails. */
async function runBlocks(blocks: readonly string[], env: Record<string, string>) {
  // A block whose last command is a pipe that ends with head has a writer that finds its reader gone; so no pipefail.
  const script = ['set -em', ...blocks.flatMap((block) => [block, block.includes('&\n') ? WHEN_STARTED : ''])].join(
    '\n',
  );
  const shell = spawn('bash', ['-c', script], {
    cwd: sandbox,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  shell.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  shell.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(shell, 'close')) as [number | null];
  return { code, output };
}

test('every command of the README works', async () => {
  const blocks = await shellBlocks('README.md');
  expect(blocks.length).toBeGreaterThan(3);
  const { code, output } = await runBlocks(blocks, {
    STRIPE_API_KEY: 'sk_test_readme',
    STRIPE_BASE_URL: simulator.url,
    STRIPE_RATE_LIMIT: '500',
    DATABASE_URL: database.url,
    XDG_DATA_HOME: path.join(sandbox, 'data'),
  });
  expect(code, output).toBe(0);
  expect(output).toMatch(/tables in schema "stripe", [\d,]+ rows/);
  expect(output).toContain('stripe-to-postgres: complete');
  const { rows } = await database.pool.query('select count(*)::int as n from stripe.customers');
  expect(rows[0].n).toBeGreaterThan(0);
}, 240_000);

/** The tutorial names it, so that its reader can. */
const TUTORIAL_PORT = 12111;

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  const free = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  server.close();
  return free;
}

test('every command of the tutorial works', async () => {
  const blocks = await shellBlocks('docs/tutorial/first-sync.md');
  expect(blocks.length).toBeGreaterThan(8);
  expect(await isFree(TUTORIAL_PORT), `port ${TUTORIAL_PORT} has to be free`).toBe(true);
  const { code, output } = await runBlocks(blocks, { XDG_DATA_HOME: path.join(sandbox, 'tutorial-data') });
  expect(code, output).toBe(0);
  expect(output).toContain('"status":"succeeded"');
  expect(output).toContain('tutorial: complete');
}, 240_000);
