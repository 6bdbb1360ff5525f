/**
 * A whole sync: `npm run bench:sync`. A Stripe simulator without latency or rate limit, `penstock sync` and the two connectors as users
 * run them, and a Postgres of its own with its default settings (fsync on). One JSON line; `--records N`, 200,000 by default.
 *
 * - `records_per_second`, `wall_s`: of the command, its start and end included
 * - `copy_records_per_second`: of one plain COPY of the same rows into `(key, _raw_data jsonb)`, the best of three; `ratio` is
 *   the one by the other
 * - `idle_s`: what the same command takes when nothing is left to read; `ratio_running` is the ratio without that
 * - `ratio_without_simulator`: the ratio if the simulator ran on another machine, where all cores are busy with the five
 *   processes: without its CPU seconds, spread over the cores. An estimate
 * - `…_cpu_s`, `…_peak_rss_mb`: by process. Postgres's memory is that of its largest backend, shared buffers included
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalPostgres } from '@penstock/local-postgres';
import pg from 'pg';
import { copyOnce, writeCustomerRows } from './plain-copy.ts';
import { printFigures } from './print-figures.ts';
import { startSimulator } from './simulator-process.ts';
import { numbersIn, readOptions, runWithUsage } from './usage-error.ts';

const usage = `Usage: npm run bench:sync -- [options]

  --records N           customers; 200000 when absent
  --columns typed|raw   as the destination's; typed when absent
`;
const path = '/v1/customers';
const programs = new URL('../../../dist/', import.meta.url).pathname;
const preload = new URL('./report-usage.mjs', import.meta.url).href;
/** How often Postgres's memory is looked at, in milliseconds. */
const samplePeriodMs = 250;

interface Used {
  readonly cpu_s: number;
  readonly peak_rss_mb: number;
}

/** A program of ours that writes what it has used when it ends. The last command that it is run with counts. */
function measured(program: string, usageFile: string): [string, ...string[]] {
  const main = join(programs, program, 'main.mjs');
  return ['/usr/bin/env', `BENCH_USAGE_FILE=${usageFile}`, process.execPath, '--import', preload, main];
}

/** One call of `penstock sync`. @returns seconds */
async function sync(pipeline: string, usageFile: string): Promise<number> {
  const [file, ...args] = measured('penstock', usageFile);
  const startedAt = performance.now();
  const child = spawn(file, [...args, 'sync', '--config', pipeline, '--plain'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`penstock ended with ${code}:\n${text}`);
  return (performance.now() - startedAt) / 1000;
}

/** Seconds of CPU of the backends of a server that have ended, in ticks of 10 ms (proc(5)). */
function endedBackendsCpu(postmaster: number): number {
  const fields = readFileSync(`/proc/${postmaster}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

/** The most memory that any process had whose parent is this one, in MB. */
function peakOfChildren(parent: number): number {
  let peak = 0;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      if (!status.includes(`\nPPid:\t${parent}\n`)) continue;
      peak = Math.max(peak, Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has ended meanwhile.
    }
  }
  return peak;
}

async function measure(records: number, columns: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
  // The server, another user, writes the rows there and reads them again.
  await chmod(folder, 0o777);
  const simulator = await startSimulator(['--objects', '0', '--count', `${path}=${records}`]);
  const server = await startLocalPostgres();
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  try {
    const file = (name: string): string => join(folder, name);
    const readUsage = async (name: string): Promise<Used> => JSON.parse(await readFile(file(name), 'utf8')) as Used;
    const pipeline = {
      source: {
        command: measured('source-stripe', file('source.json')),
        config: { api_key: 'sk_test_bench', base_url: simulator.url, rate_limit: 1_000_000 },
      },
      destination: {
        command: measured('destination-postgres', file('destination.json')),
        config: { url: server.url, columns },
      },
      streams: [{ name: 'customers' }],
      state: { postgres: { url: server.url } },
    };
    await writeFile(file('pipeline.json'), JSON.stringify(pipeline), { mode: 0o600 });
    const { rows } = await client.query<{ pid: string }>(
      `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`,
    );
    const postmaster = Number(rows[0]!.pid);
    await warmUp(client, server.url, file('warm.copy'), records);
    await client.query('checkpoint');
    const load = loadavg()[0]!;
    const simulatorBefore = simulator.cpuSeconds();
    const postgresBefore = endedBackendsCpu(postmaster);
    let postgresPeak = 0;
    const sampler = setInterval(() => {
      postgresPeak = Math.max(postgresPeak, peakOfChildren(postmaster));
    }, samplePeriodMs);
    const seconds = await sync(file('pipeline.json'), file('engine.json'));
    clearInterval(sampler);
    const simulatorCpu = simulator.cpuSeconds() - simulatorBefore;
    const simulatorPeak = simulator.peakRssMb();
    const postgresCpu = endedBackendsCpu(postmaster) - postgresBefore;
    const [engine, source, destination] = [
      await readUsage('engine.json'),
      await readUsage('source.json'),
      await readUsage('destination.json'),
    ];
    const counted = await client.query<{ count: string }>('select count(*) from customers');
    if (Number(counted.rows[0]!.count) !== records) {
      throw new Error(`${counted.rows[0]!.count} rows instead of ${records}`);
    }
    const idleSeconds = await sync(file('pipeline.json'), file('idle.json'));
    const copySeconds = await plainCopy(client, server.url, file('plain.copy'));
    const simulatorWall = simulatorCpu / availableParallelism();
    printFigures({
      case: 'sync',
      columns,
      records,
      records_per_second: records / seconds,
      copy_records_per_second: records / copySeconds,
      ratio: copySeconds / seconds,
      ratio_running: copySeconds / (seconds - idleSeconds),
      ratio_without_simulator: copySeconds / (seconds - simulatorWall),
      wall_s: seconds,
      idle_s: idleSeconds,
      copy_s: copySeconds,
      engine_cpu_s: engine.cpu_s,
      source_cpu_s: source.cpu_s,
      destination_cpu_s: destination.cpu_s,
      simulator_cpu_s: simulatorCpu,
      postgres_cpu_s: postgresCpu,
      engine_peak_rss_mb: engine.peak_rss_mb,
      source_peak_rss_mb: source.peak_rss_mb,
      destination_peak_rss_mb: destination.peak_rss_mb,
      simulator_peak_rss_mb: simulatorPeak,
      postgres_peak_rss_mb: postgresPeak,
      load_before: load,
    });
  } finally {
    await client.end();
    await server.stop();
    await simulator.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Lets the server write as much as it is going to. A new one makes each file of its log when it comes to it, which takes a
 * third of a COPY's time; later the files are used again. The sync, which is first, would pay for that, and plain COPY not.
 */
async function warmUp(client: pg.Client, url: string, path: string, records: number): Promise<void> {
  await writeCustomerRows(path, records);
  await copyOnce(client, url, path);
  await rm(path);
}

/** Seconds that one COPY of the rows that were synced takes, in the best of three. */
async function plainCopy(client: pg.Client, url: string, path: string): Promise<number> {
  await client.query(`copy (select id, _raw_data from customers) to '${path}'`);
  // Into the cache, as the first of the three would not have it there.
  for await (const _ of createReadStream(path));
  const runs: number[] = [];
  for (let run = 0; run < 3; run++) runs.push(await copyOnce(client, url, path));
  return Math.min(...runs);
}

await runWithUsage(usage, async () => {
  const { records, columns } = readOptions(process.argv.slice(2), {
    records: { type: 'string', default: '200000' },
    columns: { type: 'string', default: 'typed' },
  });
  for (const count of numbersIn('--records', records)) await measure(count, columns);
});
