import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fakePipeline, type PenstockProcess, startPenstock } from './penstock.ts';

/** What a pod does: files and named pipes made first, then the two fake connectors and the engine at the same time. */
export interface Pod {
  readonly source: ChildProcess;
  readonly destination: ChildProcess;
  readonly engine: PenstockProcess;
  /** Exit codes, or signals, of source and destination. */
  readonly connectors: Promise<readonly [number | string, number | string]>;
}

/** Settings of a pod. */
export interface PodOptions {
  /** Config of the fake connectors. */
  readonly source: Record<string, unknown>;
  readonly destination?: Record<string, unknown>;
  readonly engineArgs?: readonly string[];
  /** Put in the place of the pipeline's state. */
  readonly state?: Record<string, unknown>;
  /** Does something between the files and the start. */
  readonly prepare?: (pipes: string) => Promise<void>;
}

/** Makes the next pod in a folder; state and records of the one before stay. */
export async function startPod(folder: string, options: PodOptions): Promise<Pod> {
  const { file, out, state } = await fakePipeline(folder, options.source, options.destination);
  const pipes = join(folder, 'pipes');
  await rm(pipes, { recursive: true, force: true });
  const sides = { source: options.source, destination: { path: out, ...options.destination } };
  for (const [side, config] of Object.entries(sides)) {
    await mkdir(join(pipes, side), { recursive: true });
    await writeFile(join(folder, `${side}.json`), JSON.stringify(config));
    const names = ['catalog', 'state', 'input', 'output'].map((name) => join(pipes, side, name));
    execFileSync('mkfifo', ['-m', '600', ...names]);
    for (const command of side === 'source' ? ['spec', 'discover'] : ['spec']) {
      answerIntoFile(side, command, folder);
    }
  }
  const pipeline = {
    name: 'fake',
    source: { pipes: join(pipes, 'source') },
    destination: { pipes: join(pipes, 'destination') },
    state: options.state ?? { file: state },
  };
  await writeFile(file, JSON.stringify(pipeline));
  await options.prepare?.(pipes);
  const source = startConnector(folder, 'source', 'read --catalog $P/catalog --state $P/state');
  const destination = startConnector(folder, 'destination', 'write --catalog $P/catalog');
  const engine = startPenstock(['sync', '-c', file, '--json', ...(options.engineArgs ?? [])]);
  const connectors = Promise.all([howEnded(source), howEnded(destination)]);
  return { source, destination, engine, connectors };
}

const program = (side: string): string => join(import.meta.dirname, `fake-${side}.mjs`);

function answerIntoFile(side: string, command: string, folder: string): void {
  const script = `exec "$1" "$2" ${command} --config "$3" > "$4"`;
  const output = join(folder, 'pipes', side, command);
  const args = ['-c', script, 'sh', process.execPath, program(side), join(folder, `${side}.json`), output];
  execFileSync('sh', args);
}

/** A connector of an author who knows nothing of --input and --output: a shell gives it its pipes. */
function startConnector(folder: string, side: string, args: string): ChildProcess {
  const script = `P=$1; exec "$2" "$3" ${args} --config "$4" < $P/input > $P/output`;
  const pipes = join(folder, 'pipes', side);
  return spawn('sh', ['-c', script, 'sh', pipes, process.execPath, program(side), join(folder, `${side}.json`)], {
    stdio: 'ignore',
  });
}

async function howEnded(child: ChildProcess): Promise<number | string> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return signal ?? code!;
}
