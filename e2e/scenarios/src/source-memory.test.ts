import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundlePrograms } from './harness/bundle.ts';
import { configure, discover, streamsNamed } from './harness/catalog.ts';
import { MEMORY_MAX_MB, peakUntilEnd } from './harness/peak-memory.ts';
import { type Simulator, startSimulator } from './harness/simulator.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const CUSTOMERS = 250_000;
/** Requests a second: what Stripe allows a live key (docs, Rate limits). The more are under way, the more memory they hold. */
const RATE = 100;
const LATENCY_MS = 50;
/** As long as the reader is slow, the source has to wait with what it has. */
const SLOW_CHUNKS = 100;
const SLOW_PAUSE_MS = 30;

let simulator: Simulator;
let folder: ScenarioFolder;

beforeAll(async () => {
  const size = ['--objects', '0', '--count', `/v1/customers=${CUSTOMERS}`];
  [simulator, folder] = await Promise.all([
    startSimulator(['--seed', '46', ...size, '--latency-ms', String(LATENCY_MS)]),
    makeScenarioFolder(),
  ]);
});

afterAll(async () => {
  await Promise.all([simulator?.stop(), folder?.remove()]);
});

/** Takes pieces out of a pipe one after the other at first, and then as they come. @returns the number of lines in them */
async function drain(stdout: Readable, marker: string): Promise<number> {
  let count = 0;
  let chunks = 0;
  let rest = '';
  for await (const chunk of stdout.setEncoding('latin1') as AsyncIterable<string>) {
    const pieces = (rest + chunk).split(marker);
    count += pieces.length - 1;
    rest = pieces.at(-1)!.slice(-marker.length);
    if (++chunks < SLOW_CHUNKS) await delay(SLOW_PAUSE_MS);
  }
  return count;
}

test(`the source reads ${CUSTOMERS} objects with less than ${MEMORY_MAX_MB} MB of memory, also while its reader is slow`, async () => {
  const source = { api_key: 'sk_test_scenario', base_url: simulator.url, rate_limit: RATE };
  const config = await folder.json('source.json', source);
  const customers = streamsNamed((await discover(config)).streams, ['customers']);
  const catalog = await folder.json('catalog.json', configure(customers));
  // From its sources, Node needs memory to read the types in them.
  await bundlePrograms(folder.file('programs'));
  const read = [folder.file('programs/source-stripe/main.mjs'), 'read', '--config', config, '--catalog', catalog];
  const child = spawn(process.execPath, read, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const records = drain(child.stdout, '{"type":"record"');
  const peak = await peakUntilEnd(child);
  expect(await ended).toEqual([0, null]);
  expect(await records).toBe(CUSTOMERS);
  if (process.platform !== 'linux') {
    console.log('How much memory a process had at most stands in /proc, on Linux only: it was not looked at here.');
    return;
  }
  console.log(`source-stripe had ${peak?.toFixed(0)} MB at most`);
  expect(peak).toBeLessThan(MEMORY_MAX_MB);
});
