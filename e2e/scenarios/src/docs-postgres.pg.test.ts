import { randomBytes } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { type JsonObject, message } from '@penstock/protocol';
import { escapeIdentifier } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { blocksOf, runBlocks, shellBlocks } from './harness/docs-blocks.ts';
import { programFolder, runProgram } from './harness/program.ts';
import { makeScenarioFolder, type ScenarioFolder } from './harness/workspace.ts';

const PAGE = 'docs/guide/postgres.md';

let database: TestDatabase;
let folder: ScenarioFolder;
const id = randomBytes(4).toString('hex');
/** What stands in the page, and what it is here: roles belong to the whole server, which other tests use too. */
let meant: readonly (readonly [RegExp, string])[];

beforeAll(async () => {
  [database, folder] = await Promise.all([createTestDatabase(), makeScenarioFolder()]);
  const { hostname, port, pathname } = new URL(database.url);
  meant = [
    [/db\.example\.com:5432\/warehouse/g, `${hostname}:${port}${pathname}`],
    [/\bwarehouse\b/g, pathname.slice(1)],
    [/\bsync\b/g, `sync_${id}`],
    [/\breaders\b/g, `readers_${id}`],
    [/PASSWORD|…/g, id],
  ];
  await database.pool.query(`create role readers_${id}`);
});

afterAll(async () => {
  for (const role of [`sync_${id}`, `readers_${id}`]) {
    await database?.pool.query(`drop owned by ${role}; drop role ${role}`).catch(() => undefined);
  }
  await Promise.all([database?.drop(), folder?.remove()]);
});

const here = (text: string): string => meant.reduce((said, [from, to]) => said.replaceAll(from, to), text);

/** The block that has these words in it. */
async function blockWith(language: string, words: string): Promise<string> {
  const block = (await blocksOf(PAGE, language)).find(({ text }) => text.includes(words));
  expect(block, `a block with: ${words}`).toBeDefined();
  return here(block!.text);
}

/** Runs statements as a user who looks for tables in the schema. @returns the rows of the last one */
async function as(role: string, statements: string): Promise<readonly unknown[]> {
  const client = await database.pool.connect();
  try {
    await client.query(`set role ${escapeIdentifier(role)}; set search_path to stripe`);
    return (await client.query(statements)).rows as unknown[];
  } finally {
    client.release(true);
  }
}

const integers = (...names: string[]) => Object.fromEntries(names.map((name) => [name, { type: 'integer' }]));
const stream = (name: string, properties: object) => ({
  name,
  primary_key: [['id']],
  json_schema: { type: 'object', properties: { id: { type: 'string' }, ...properties } },
});

/** One write of these streams and records, which has to succeed. @param more of each stream of the catalog */
async function write(
  config: object,
  streams: readonly { readonly name: string }[],
  records: readonly (readonly [stream: string, data: JsonObject])[],
  more: object = {},
): Promise<string> {
  const modes = { sync_mode: 'incremental', destination_sync_mode: 'append_dedup' };
  const catalog = { streams: streams.map((each) => ({ stream: each, ...modes, ...more })) };
  const args = [
    ...['write', '--config', await folder.json('config.json', config)],
    ...['--catalog', await folder.json('catalog.json', catalog)],
  ];
  const messages = [
    ...records.map(([name, data]) => message.record({ stream: name, emitted_at: '2026-01-01T00:00:00.000Z', data })),
    ...streams.map(({ name }) => message.streamStatus({ stream: name, status: 'complete' })),
  ];
  const input = messages.map((each) => `${JSON.stringify(each)}\n`).join('');
  const { code, stdout, stderr } = await runProgram('destination-postgres', args, { input });
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

test('every command and every statement of the guide to Postgres works', async () => {
  const charges = stream('charges', integers('amount'));
  const customers = stream('customers', integers('balance', 'next_invoice_sequence'));
  const config = JSON.parse(await blockWith('json', '"schema": "stripe"'));
  await folder.json('config.json', config);

  await database.pool.query(await blockWith('sql', 'create role'));
  const checked = await runBlocks(await shellBlocks(PAGE), folder.path, {
    PATH: `${programFolder()}:${process.env.PATH}`,
  });
  expect(checked.code, checked.output).toBe(0);
  expect(checked.output).toContain('"status":"succeeded"');
  await database.pool.query(await blockWith('sql', 'to readers'));

  await write(
    config,
    [charges, customers],
    [
      ['charges', { id: 'ch_1', amount: 5 }],
      ['charges', { id: 'ch_2', amount: 'five' }],
      ['customers', { id: 'cus_1', balance: 7, next_invoice_sequence: 1 }],
    ],
  );
  const misfits = await as(`readers_${id}`, await blockWith('sql', 'amount is null'));
  expect(misfits).toEqual([{ id: 'ch_2', '?column?': 'five' }]);

  await as(`sync_${id}`, await blockWith('sql', 'drop column'));
  await write(config, [customers], [['customers', { id: 'cus_2', balance: 8, next_invoice_sequence: 1 }]]);
  expect(await as(`readers_${id}`, 'select id, balance from customers order by id')).toEqual([
    { id: 'cus_1', balance: '7' },
    { id: 'cus_2', balance: '8' },
  ]);

  const rules = JSON.parse(await blockWith('json', 'insert_only'));
  const said = await write(
    { ...config, ...rules },
    [customers],
    [
      ['customers', { id: 'cus_1', balance: 7, next_invoice_sequence: 2 }],
      ['customers', { id: 'cus_2', balance: 9, next_invoice_sequence: 2 }],
    ],
  );
  expect(said).toContain('"updated":1,"deleted":0,"skipped":1');
  expect(await as(`readers_${id}`, 'select balance, next_invoice_sequence as next from customers order by id')).toEqual(
    [
      { balance: '7', next: '1' },
      { balance: '8', next: '2' },
    ],
  );

  const more = JSON.parse(await blockWith('json', 'system_columns'));
  await write(config, [customers], [['customers', { id: 'cus_3', balance: 1, _account_id: 'acct_1' }]], more);
  expect(await as(`readers_${id}`, 'select _account_id from customers where _account_id is not null')).toEqual([
    { _account_id: 'acct_1' },
  ]);
});

test('the guide to connecting tries a config with the same command', async () => {
  const [own] = await shellBlocks(PAGE);
  expect((await shellBlocks('docs/guide/postgres-connection.md')).map(({ text }) => text)).toEqual([own!.text]);
});
