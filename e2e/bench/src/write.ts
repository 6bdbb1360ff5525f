/**
 * Measures `destination-postgres write` against one plain COPY of the same rows into `(key, _raw_data jsonb)`, on a server
 * of its own with its default settings (fsync on). Prints a JSON line for each case. `--records N`, 200,000 by default. A trickle is measured against plain inserts,
 * one a transaction.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, openSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLocalPostgres } from '@penstock/local-postgres';
import pg from 'pg';
import { customer, customerSchema } from './customer.ts';
import { copyOnce, writeCustomerRows } from './plain-copy.ts';
import { printFigures } from './print-figures.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '200000' },
    program: {
      type: 'string',
      default: new URL('../../../dist/destination-postgres/main.mjs', import.meta.url).pathname,
    },
  },
});
const recordCount = Number(values.records);
const trickleCount = 2000;
/** Stripe's page size: the source puts a checkpoint after each page. */
const pageSize = 100;

const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
await chmod(folder, 0o755); // the server's user reads the COPY file
const complete = `${JSON.stringify({ type: 'stream_status', stream_status: { stream: 'customers', status: 'complete' } })}\n`;
const empty = join(folder, 'empty.ndjson');
await writeFile(empty, complete);
const server = await startLocalPostgres();
const client = new pg.Client({ connectionString: server.url });
await client.connect();
try {
  const first = await writeLines('first.ndjson', 1_700_000_000);
  const again = await writeLines('again.ndjson', 1_700_100_000);
  for (const columns of ['raw', 'typed'] as const) {
    await client.query('drop table if exists customers');
    const copy = await plainCopy();
    await measure('empty_table', columns, first, copy);
    await measure('equal_rows', columns, again, copy);
    await measureTrickle(columns, await plainInsertsPerSecond());
  }
} finally {
  await client.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** The input of `write`: every record, and a checkpoint a page. */
async function writeLines(name: string, asOf: number): Promise<string> {
  const path = join(folder, name);
  const file = createWriteStream(path);
  for (let index = 0; index < recordCount; index++) {
    let text = recordLine(index, asOf);
    if ((index + 1) % pageSize === 0) text += checkpointLine(index + 1);
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end(
    `${JSON.stringify({ type: 'stream_status', stream_status: { stream: 'customers', status: 'complete' } })}\n`,
  );
  await once(file, 'close');
  return path;
}

function recordLine(index: number, asOf: number): string {
  const data = JSON.stringify(customer(index, asOf));
  return `{"type":"record","record":{"stream":"customers","emitted_at":"2026-01-01T00:00:00.000Z","data":${data}}}\n`;
}

function checkpointLine(count: number): string {
  return `${JSON.stringify({ type: 'source_state', source_state: { state_type: 'stream', stream: 'customers', data: { count } } })}\n`;
}

type PlainCopy = { readonly seconds: number; readonly cpuSeconds: number };

/** What Postgres takes for the same rows by itself, read from a file, in the best of three. */
async function plainCopy(): Promise<PlainCopy> {
  const path = join(folder, 'plain.copy');
  await writeCustomerRows(path, recordCount);
  const runs: PlainCopy[] = [];
  for (let run = 0; run < 3; run++) {
    const cpuBefore = await postgresCpu();
    const seconds = await copyOnce(client, server.url, path);
    runs.push({ seconds, cpuSeconds: (await postgresCpu()) - cpuBefore });
  }
  return runs.toSorted((a, b) => a.seconds - b.seconds)[0]!;
}

/** Starts `write`. */
async function start(columns: string, stdin: number | 'pipe', stdout: 'ignore' | 'pipe') {
  const config = join(folder, 'config.json');
  const catalog = join(folder, 'catalog.json');
  await writeFile(config, JSON.stringify({ url: server.url, columns, index: 'none' }), { mode: 0o600 });
  const stream = {
    name: 'customers',
    primary_key: [['id'], ['_account_id']],
    newer_than_field: '_as_of',
    soft_delete_field: 'deleted',
    json_schema: customerSchema,
  };
  await writeFile(
    catalog,
    JSON.stringify({ streams: [{ stream, sync_mode: 'incremental', destination_sync_mode: 'append_dedup' }] }),
  );
  const usageFile = join(folder, 'usage.json');
  const preload = new URL('./report-usage.mjs', import.meta.url).href;
  const args = ['--import', preload, values.program, 'write', '--config', config, '--catalog', catalog];
  const child = spawn(process.execPath, args, {
    stdio: [stdin, stdout, 'inherit'],
    env: { ...process.env, BENCH_USAGE_FILE: usageFile },
  });
  const ended = once(child, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`write ended with ${code}`);
    return JSON.parse(readFileSync(usageFile, 'utf8')) as { cpu_s: number; peak_rss_mb: number };
  });
  return { child, ended };
}

/** CPU seconds of all backends that have ended so far; waits until all but our own have. */
async function postgresCpu(): Promise<number> {
  const others = `select from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
  while ((await client.query(others)).rows.length > 0) await delay(10);
  const { rows } = await client.query<{ pid: string }>(
    `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
  );
  const fields = readFileSync(`/proc/${rows[0]!.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  // cutime and cstime, of children that have ended, in ticks of 10 ms (proc(5)).
  return fields.slice(13, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
}

async function measure(name: string, columns: string, path: string, copy: PlainCopy): Promise<void> {
  await client.query('checkpoint');
  const cpuBefore = await postgresCpu();
  const startedAt = performance.now();
  const { ended } = await start(columns, openSync(path, 'r'), 'ignore');
  const usage = await ended;
  const seconds = (performance.now() - startedAt) / 1000;
  const postgresCpuSeconds = (await postgresCpu()) - cpuBefore;
  const emptyAt = performance.now();
  await (await start(columns, openSync(empty, 'r'), 'ignore')).ended;
  const startSeconds = (performance.now() - emptyAt) / 1000;
  const { rows } = await client.query<{ count: string }>('select count(*) from customers');
  if (Number(rows[0]!.count) !== recordCount) throw new Error(`${rows[0]!.count} rows instead of ${recordCount}`);
  printFigures({
    case: name,
    columns,
    records: recordCount,
    records_per_second: recordCount / seconds,
    copy_records_per_second: recordCount / copy.seconds,
    ratio: copy.seconds / seconds,
    // The same without what the program takes to start and to find its table.
    ratio_running: copy.seconds / (seconds - startSeconds),
    start_s: startSeconds,
    mb_per_second: statSync(path).size / 1e6 / seconds,
    node_cpu_s: usage.cpu_s,
    node_us_per_record: (usage.cpu_s / recordCount) * 1e6,
    postgres_cpu_s: postgresCpuSeconds,
    copy_postgres_cpu_s: copy.cpuSeconds,
    peak_rss_mb: usage.peak_rss_mb,
  });
}

/** One row a transaction, each waited for: what a trickle would take without anything in between. */
async function plainInsertsPerSecond(): Promise<number> {
  await client.query('drop table if exists plain');
  await client.query('create table plain (key text primary key, _raw_data jsonb)');
  const insert = { name: 'plain', text: 'insert into plain values ($1, $2)' };
  const startedAt = performance.now();
  for (let index = 0; index < trickleCount; index++)
    await client.query({ ...insert, values: [String(index), JSON.stringify(customer(index, 0))] });
  return trickleCount / ((performance.now() - startedAt) / 1000);
}

/** One record and its checkpoint at a time, each waited for. */
async function measureTrickle(columns: string, insertsPerSecond: number): Promise<void> {
  const { child, ended } = await start(columns, 'pipe', 'pipe');
  const send = (index: number) =>
    child.stdin!.write(recordLine(recordCount + index, 1_700_200_000) + checkpointLine(index));
  let startedAt = 0;
  let confirmed = 0;
  send(0);
  for await (const line of createInterface({ input: child.stdout! })) {
    if (!line.includes('"source_state"')) continue;
    // The first one waits for the start of the program.
    if (confirmed === 0) startedAt = performance.now();
    confirmed++;
    if (confirmed > trickleCount) break;
    send(confirmed);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  child.stdin!.end(complete);
  child.stdout!.resume();
  const usage = await ended;
  printFigures({
    case: 'trickle',
    columns,
    records: trickleCount,
    records_per_second: trickleCount / seconds,
    insert_records_per_second: insertsPerSecond,
    ratio: trickleCount / seconds / insertsPerSecond,
    node_cpu_s: usage.cpu_s,
    peak_rss_mb: usage.peak_rss_mb,
  });
}
