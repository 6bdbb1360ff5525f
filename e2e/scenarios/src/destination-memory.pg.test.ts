import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MEMORY_MAX_MB, peakUntilEnd } from './harness/peak-memory.ts';
import { programCommand } from './harness/program.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const RECORDS = 150_000;
const PAGE = 100;
/** After so many records Postgres stands still, for so long, in milliseconds. */
const STALL_AT = 60_000;
const STALL_MS = 4000;
/** More than the destination can have taken while Postgres stood still: three batches of 8 MiB and what lies in pipes. */
const TAKEN_MAX_BYTES = 40 * 1024 * 1024;

let database: TestDatabase;
let folder: ScenarioFolder;

beforeAll(async () => {
  [database, folder] = await Promise.all([createTestDatabase(), makeScenarioFolder()]);
});

afterAll(async () => {
  await database?.drop();
  await folder?.remove();
});

/** A page of records of about 1.4 kB and its checkpoint. */
function page(from: number): string {
  let text = '';
  for (let index = from; index < from + PAGE; index++) {
    const data = { id: `cus_${index}`, v: 1, name: `Erika Mustermann ${index}`, note: `${index} `.repeat(200) };
    text += `{"type":"record","record":{"stream":"customers","emitted_at":"2026-01-01T00:00:00.000Z","data":${JSON.stringify(data)}}}\n`;
  }
  const state = { state_type: 'stream', stream: 'customers', data: { from } };
  return `${text}${JSON.stringify({ type: 'source_state', source_state: state })}\n`;
}

/** Stops what works for the destination in the server, for a while. @returns as soon as it stands still, how to go on */
async function stallPostgres(): Promise<() => void> {
  const { rows } = await database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and application_name = 'penstock'`,
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
  return () => {
    for (const { pid } of rows) process.kill(pid, 'SIGCONT');
  };
}

test(`the destination stores ${RECORDS} records with less than ${MEMORY_MAX_MB} MB of memory, also while Postgres stands still`, async () => {
  const config = await folder.json('config.json', { url: database.url });
  const properties = { id: { type: 'string' }, v: { type: 'integer' }, name: { type: 'string' } };
  const stream = {
    name: 'customers',
    primary_key: [['id']],
    newer_than_field: 'v',
    json_schema: { type: 'object', properties },
  };
  const catalog = await folder.json('catalog.json', {
    streams: [{ stream, sync_mode: 'incremental', destination_sync_mode: 'append_dedup' }],
  });
  const [node, ...first] = programCommand('destination-postgres');
  const write = [...first, 'write', '--config', config, '--catalog', catalog];
  const child = spawn(node, write, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  child.stdout.resume();

  let sent = 0;
  const send = async (from: number): Promise<void> => {
    const text = page(from);
    sent += text.length;
    if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  };
  const peak = peakUntilEnd(child);
  let from = 0;
  for (; from < STALL_AT; from += PAGE) await send(from);
  const goOn = await stallPostgres();
  const sentBefore = sent;
  const stallEnd = delay(STALL_MS).then(() => 'over' as const);
  let sending: Promise<void>;
  do {
    sending = send(from);
    from += PAGE;
    // The writer of the pipe is held up long before the time is over, and stays so until Postgres goes on.
  } while ((await Promise.race([sending, stallEnd])) !== 'over' && from < RECORDS);
  goOn();
  expect(sent - sentBefore).toBeLessThan(TAKEN_MAX_BYTES);
  await sending;
  for (; from < RECORDS; from += PAGE) await send(from);
  const status = { stream: 'customers', status: 'complete' };
  child.stdin.end(`${JSON.stringify({ type: 'stream_status', stream_status: status })}\n`);
  expect(await ended).toEqual([0, null]);
  const { rows } = await database.pool.query<{ count: number }>('select count(*)::int as count from customers');
  expect(rows).toEqual([{ count: RECORDS }]);
  if (process.platform !== 'linux') {
    console.log('How much memory a process had at most stands in /proc, on Linux only: it was not looked at here.');
    return;
  }
  console.log(`destination-postgres had ${(await peak)?.toFixed(0)} MB at most`);
  expect(await peak).toBeLessThan(MEMORY_MAX_MB);
});
