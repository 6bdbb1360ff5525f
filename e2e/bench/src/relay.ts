/**
 * What the engine costs on the way from a source to a destination: `npm run bench:relay`. Two gigabytes of records of 1.4 KB go
 * from a source to a sink, through the engine and without it. A JSON line for each case:
 *
 * - `case`: see the README; `mb_per_second` from the sink's first byte to its last
 * - `ratio`: to the case that stands in `of`
 * - `cpu_s`, `peak_rss_mb`: of the engine where there is one, its start included, else of the sink alone
 * - `ends_cpu_s`: of both ends
 *
 * Of several rounds, the fastest. In `engine-alone` and `split` what counts is processor time: `mb_per_second` is what
 * one core could do, which is not seen where the ends want the same cores. The time of a start is not part of it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { printFigures } from './print-figures.ts';
import type { RelayEndConfig, RelayEndFigures } from './relay-end.ts';
import { numbersIn, readOptions, runWithUsage } from './usage-error.ts';

const usage = `Usage: npm run bench:relay -- [options]

  --megabytes N     how much goes through; 2000 when absent
  --rounds N        runs of each case; 3 when absent
  --program FILE    the engine to run; by default its bundle
`;

const file = (name: string): string => new URL(name, import.meta.url).pathname;
const sourceProgram = file('relay-source.ts');
const sinkProgram = file('relay-sink.ts');
/** Names and keys as the catalog of the source has them; the sink doesn't look. */
const noCatalog = '{"streams":[]}';

/** What is run. */
interface Way {
  readonly source: RelayEndConfig['work'];
  readonly sink: RelayEndConfig['work'];
}

/** What a run took. */
interface Run {
  readonly sink: RelayEndFigures;
  readonly source: RelayEndFigures;
  readonly mbPerSecond: number;
  readonly engine?: { readonly cpu_s: number; readonly peak_rss_mb: number };
}

interface Setting {
  readonly folder: string;
  readonly program: string;
  readonly bytes: number;
}

async function configs(
  { folder, bytes }: Setting,
  way: Way,
): Promise<{ source: RelayEndConfig; sink: RelayEndConfig }> {
  const source = { bytes, work: way.source, figures: join(folder, 'source-figures.json') };
  const sink = { bytes, work: way.sink, figures: join(folder, 'sink-figures.json') };
  await writeFile(join(folder, 'source.json'), JSON.stringify(source));
  await writeFile(join(folder, 'sink.json'), JSON.stringify(sink));
  return { source, sink };
}

const readJson = async <T>(path: string): Promise<T> => JSON.parse(await readFile(path, 'utf8')) as T;

async function figuresOf({ folder }: Setting): Promise<Pick<Run, 'sink' | 'source' | 'mbPerSecond'>> {
  const sink = await readJson<RelayEndFigures>(join(folder, 'sink-figures.json'));
  const source = await readJson<RelayEndFigures>(join(folder, 'source-figures.json'));
  return { sink, source, mbPerSecond: sink.bytes! / 1e6 / sink.seconds! };
}

async function end(child: ReturnType<typeof spawn>, what: string): Promise<void> {
  let stderr = '';
  child.stderr?.on('data', (text: Buffer) => {
    stderr = (stderr + text.toString()).slice(-2000);
  });
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`${what} ended with ${child.exitCode ?? child.signalCode}: ${stderr}`);
}

/** `source | sink`, by a shell, as people type it. */
async function runPipe(setting: Setting, way: Way): Promise<Run> {
  const { folder } = setting;
  await configs(setting, way);
  await writeFile(join(folder, 'catalog.json'), noCatalog);
  const script = '"$0" "$1" read --config source.json | "$0" "$2" write --config sink.json > /dev/null';
  const child = spawn('bash', ['-o', 'pipefail', '-c', script, process.execPath, sourceProgram, sinkProgram], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await end(child, 'the pipe');
  return figuresOf(setting);
}

async function runEngine(setting: Setting, way: Way): Promise<Run> {
  const { folder, program } = setting;
  const { source, sink } = await configs(setting, way);
  const pipeline = {
    name: 'relay',
    source: { command: [process.execPath, sourceProgram], config: source },
    destination: { command: [process.execPath, sinkProgram], config: sink },
    state: { file: join(folder, 'state.json') },
  };
  await writeFile(join(folder, 'pipeline.json'), JSON.stringify(pipeline));
  const args = ['sync', '--plain', '--reset-state', '-c', join(folder, 'pipeline.json')];
  const child = spawn(process.execPath, ['--import', file('report-usage.mjs'), program, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, BENCH_USAGE_FILE: join(folder, 'usage.json') },
  });
  await end(child, 'the engine');
  return { ...(await figuresOf(setting)), engine: await readJson(join(folder, 'usage.json')) };
}

/** Of several runs of each, taken in turns, since a machine may be quicker in one minute than in the next. @returns the best of each */
async function bestOf<Name extends string>(
  rounds: number,
  measures: Readonly<Record<Name, () => Promise<Run>>>,
  of: (run: Run) => number,
): Promise<Record<Name, Run>> {
  const found: Partial<Record<Name, Run>> = {};
  for (let round = 0; round < rounds; round++)
    for (const name of Object.keys(measures) as Name[]) {
      const run = await measures[name]();
      const best = found[name];
      if (best === undefined || of(run) > of(best)) found[name] = run;
    }
  return found as Record<Name, Run>;
}

function print(name: string, run: Run, mbPerSecond: number, more: Readonly<Record<string, string | number>>): void {
  printFigures({
    case: name,
    mb_per_second: mbPerSecond,
    ...more,
    cpu_s: run.engine?.cpu_s ?? run.sink.cpu_s,
    ...(run.engine === undefined ? {} : { peak_rss_mb: run.engine.peak_rss_mb }),
    ends_cpu_s: run.source.cpu_s + run.sink.cpu_s,
  });
}

async function measureAll(setting: Setting, rounds: number): Promise<void> {
  const ends: readonly [name: string, way: Way][] = [
    ['busy-sink', { source: 'none', sink: 'parse' }],
    ['busy-source', { source: 'parse', sink: 'none' }],
    ['free', { source: 'none', sink: 'none' }],
  ];
  let free: Run | undefined;
  for (const [name, way] of ends) {
    const measures = { bare: () => runPipe(setting, way), engine: () => runEngine(setting, way) };
    const { bare, engine } = await bestOf(rounds, measures, (run) => run.mbPerSecond);
    print(`pipe-${name}`, bare, bare.mbPerSecond, { ratio: 1, of: `pipe-${name}` });
    print(`engine-${name}`, engine, engine.mbPerSecond, {
      ratio: engine.mbPerSecond / bare.mbPerSecond,
      of: `pipe-${name}`,
    });
    free = engine;
  }
  const perCore = (run: Run): number => run.sink.bytes! / 1e6 / run.sink.cpu_s;
  const splitOnly = () => runPipe(setting, { source: 'none', sink: 'split' });
  const { split } = await bestOf(rounds, { split: splitOnly }, perCore);
  print('split', split, perCore(split), { ratio: 1, of: 'split' });
  const idle = await runEngine({ ...setting, bytes: 1 }, { source: 'none', sink: 'none' });
  const alone = free!.sink.bytes! / 1e6 / (free!.engine!.cpu_s - idle.engine!.cpu_s);
  print('engine-alone', free!, alone, { ratio: alone / perCore(split), of: 'split' });
  printFigures({ case: 'engine-idle', mb_per_second: 0, ratio: 0, ...idle.engine! });
}

await runWithUsage(usage, async () => {
  const options = readOptions(process.argv.slice(2), {
    megabytes: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    program: { type: 'string', default: file('../../../dist/penstock/main.mjs') },
  });
  const [megabytes] = numbersIn('--megabytes', options.megabytes);
  const [rounds] = numbersIn('--rounds', options.rounds);
  const folder = await mkdtemp(join(tmpdir(), 'penstock-bench-relay-'));
  try {
    await measureAll({ folder, program: resolve(options.program), bytes: megabytes! * 1e6 }, rounds!);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
