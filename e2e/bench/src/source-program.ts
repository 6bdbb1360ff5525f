/** The real source as a program: what it discovers, and a measured `read`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LineSplitter, parseLine, RecordPeek, type Stream } from '@penstock/protocol';
import { countRequests, type SimulatorProcess } from './simulator-process.ts';

/** The source as it stands in the repository. The scripts measure its bundle: Node takes 30 MB and half a second to read types. */
export const sourceProgram = new URL('../../../connectors/source-stripe/src/main.ts', import.meta.url).pathname;

/** How a `read` is set up. */
export interface ReadOptions {
  /** File of the program. */
  readonly program: string;
  readonly simulator: SimulatorProcess;
  /** What an answer of the simulator takes. */
  readonly latencyMs: number;
  /** Requests a second that the source may make. */
  readonly rate: number;
  readonly streams: readonly Stream[];
}

/** What a `read` did. Times are of `performance.now()`, in ms. */
export interface ReadResult {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly records: number;
  /** All that came out, states included. */
  readonly bytes: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

const stderrShown = 2000;
const pollMs = 5;

/** What the source can read. @throws Error when it doesn't say */
export async function discoverStreams(program: string): Promise<readonly Stream[]> {
  return withFolder(async (folder) => {
    const config = join(folder, 'config.json');
    await writeFile(config, JSON.stringify({ api_key: 'sk_test_bench' }), { mode: 0o600 });
    const child = spawn(process.execPath, [program, 'discover', '--config', config], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    let text = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk;
    await ended;
    for (const line of text.split('\n')) {
      const parsed = parseLine(line);
      if (parsed.kind === 'message' && parsed.message.type === 'catalog') return parsed.message.catalog.streams;
    }
    throw new Error(`discover ended with ${child.exitCode} and no catalog`);
  });
}

/**
 * Runs `read` to its end, with stdout drained and its records counted.
 *
 * The time begins with the first list request, as the simulator sees it, and ends when the last record is here: what Node
 * takes to start, and what is asked before and after the lists (account, events), is no matter of how lists are read.
 *
 * @throws Error when it fails, with the end of its stderr
 */
export async function readSource(options: ReadOptions): Promise<ReadResult> {
  return withFolder(async (folder) => {
    const path = (name: string): string => join(folder, name);
    const config = { api_key: 'sk_test_bench', base_url: options.simulator.url, rate_limit: options.rate };
    await writeFile(path('config.json'), JSON.stringify(config), { mode: 0o600 });
    const configured = options.streams.map((stream) => ({
      stream,
      sync_mode: 'incremental',
      destination_sync_mode: 'append_dedup',
    }));
    await writeFile(path('catalog.json'), JSON.stringify({ streams: configured }));
    const preload = new URL('./report-usage.mjs', import.meta.url).href;
    const files = ['--config', path('config.json'), '--catalog', path('catalog.json')];
    const child = spawn(process.execPath, ['--import', preload, options.program, 'read', ...files], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, BENCH_USAGE_FILE: path('usage.json') },
    });
    let isRunning = true;
    const ended = once(child, 'close').finally(() => {
      isRunning = false;
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-stderrShown);
    });
    const lines = new LineSplitter();
    const peek = new RecordPeek();
    let records = 0;
    let bytes = 0;
    let endedAtMs = Number.NaN;
    child.stdout.on('data', (chunk: Buffer) => {
      const before = records;
      lines.push(chunk, (line, start, end) => {
        if (peek.stream(line, start, end) !== undefined) records++;
      });
      bytes += chunk.length;
      if (records > before) endedAtMs = performance.now();
    });
    const paths = new Set(options.streams.map(pathOf));
    const startedAtMs = await whenFirstRequest(
      options,
      (name) => paths.has(name),
      () => isRunning,
    );
    await ended;
    if (child.exitCode !== 0) throw new Error(`read ended with ${child.exitCode ?? child.signalCode}: ${stderr}`);
    const usage = JSON.parse(await readFile(path('usage.json'), 'utf8')) as { cpu_s: number; peak_rss_mb: number };
    return { startedAtMs, endedAtMs, records, bytes, cpuSeconds: usage.cpu_s, peakRssMb: usage.peak_rss_mb };
  });
}

/** Path of the list that a stream is, e.g. `/v1/charges`. */
export function pathOf(stream: Stream): string {
  return String(stream.metadata?.path);
}

/** When the first list request came, to a few ms; the simulator counts it when it has answered. */
async function whenFirstRequest(
  { simulator, latencyMs }: ReadOptions,
  isList: (path: string) => boolean,
  isRunning: () => boolean,
): Promise<number> {
  while (isRunning()) {
    if (countRequests(await simulator.requests(), isList) > 0) return performance.now() - latencyMs;
    await delay(pollMs);
  }
  return Number.NaN;
}

async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
