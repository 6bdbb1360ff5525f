import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';

let database: TestDatabase;
let root: string;
beforeAll(async () => {
  database = await createTestDatabase();
  root = await mkdtemp(join(tmpdir(), 'penstock-exact-state-test-'));
});
afterAll(async () => {
  await database.drop();
  await rm(root, { recursive: true, force: true });
});

/** As a source writes it that has more than doubles: none of these numbers comes through JSON.parse and JSON.stringify as it is. */
const cursor =
  '{"z":1,"lsn":18446744073709551615,"offset":-9223372036854775808,"share":0.10000000000000000001,"b":1.50}';

/** A source that keeps this state, in global state as well, and puts what it is given into a file. */
const source = (given: string) => `
import { readFileSync, writeFileSync } from 'node:fs';
const [command, ...rest] = process.argv.slice(2);
const say = (line) => process.stdout.write(line + '\\n');
if (command === 'spec') say('{"type":"spec","spec":{"config":{"type":"object"},"protocol_version":1}}');
if (command === 'discover') say('{"type":"catalog","catalog":{"streams":[{"name":"a","primary_key":[["id"]]}]}}');
if (command === 'read') {
  const state = rest.includes('--state') ? readFileSync(rest[rest.indexOf('--state') + 1], 'utf8') : '';
  writeFileSync(${JSON.stringify(given)}, state);
  say('{"type":"stream_status","stream_status":{"stream":"a","status":"start"}}');
  say('{"type":"source_state","source_state":{"state_type":"stream","stream":"a","data":${cursor},"record_count":0}}');
  say('{"type":"source_state","source_state":{"state_type":"global","data":${cursor},"record_count":0}}');
  say('{"type":"stream_status","stream_status":{"stream":"a","status":"complete"}}');
}
`;

/** A destination that passes lines on as they are. */
const destination = `
import { createInterface } from 'node:readline';
if (process.argv[2] === 'spec') console.log('{"type":"spec","spec":{"config":{"type":"object"},"protocol_version":1,"destination_sync_modes":["append_dedup","append"]}}');
else if (process.argv[2] === 'write') for await (const line of createInterface({ input: process.stdin })) console.log(line);
`;

describe.each(['file', 'postgres'])('state that is kept in a %s', (kind) => {
  it('comes back to the source, and out of the last message, with every digit that it was written with', async () => {
    const path = (name: string) => join(root, `${kind}-${name}`);
    await writeFile(path('source.mjs'), source(path('given.json')));
    await writeFile(path('destination.mjs'), destination);
    const state = kind === 'file' ? { file: path('state.json') } : { postgres: { url: database.url } };
    const pipeline = {
      name: 'exact',
      source: { command: [process.execPath, path('source.mjs')] },
      destination: { command: [process.execPath, path('destination.mjs')] },
      state,
    };
    await writeFile(path('pipeline.json'), JSON.stringify(pipeline));
    const kept = `{"streams":{"a":${cursor}},"global":${cursor}}`;
    const first = await callPenstock(['sync', '-c', path('pipeline.json'), '--json']);
    expect([first.exitCode, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toContain(`"ending_state":{"source":${kept}`);
    expect((await callPenstock(['sync', '-c', path('pipeline.json'), '--json'])).exitCode).toBe(0);
    expect(await readFile(path('given.json'), 'utf8')).toContain(kept);

    // And through a text that a person has in hand.
    const exported = await callPenstock(['state', 'export', '-c', path('pipeline.json')]);
    await writeFile(path('exported.json'), exported.stdout);
    expect(exported.stdout).toContain('"lsn": 18446744073709551615');
    await callPenstock(['state', 'reset', '-c', path('pipeline.json'), '--yes']);
    await callPenstock(['state', 'import', path('exported.json'), '-c', path('pipeline.json')]);
    expect((await callPenstock(['state', 'export', '-c', path('pipeline.json')])).stdout).toBe(exported.stdout);
  });
});
