import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineMessage, type EofPayload, parseLine } from '@penstock/protocol';

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));
const fake = (name: string): string => fileURLToPath(new URL(`${name}.mjs`, import.meta.url));

/** What a run of `penstock` came to. */
export interface PenstockRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of `--json`. */
  readonly messages: EngineMessage[];
  readonly eof: EofPayload | undefined;
}

/** A `penstock` process that may still run. */
export interface PenstockProcess {
  readonly child: ChildProcess;
  readonly done: Promise<PenstockRun>;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
}

/** Starts the `penstock` command as a user would. */
export function startPenstock(args: readonly string[], environment: Record<string, string> = {}): PenstockProcess {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, ...environment }, stdio: 'pipe' });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const done = new Promise<PenstockRun>((resolve) => {
    child.once('close', (exitCode) => {
      resolve(toRun(exitCode, Buffer.concat(out).toString(), Buffer.concat(err).toString()));
    });
  });
  return { child, done, stdout: () => Buffer.concat(out).toString(), stderr: () => Buffer.concat(err).toString() };
}

/** Reads what a run has printed. */
export function toRun(exitCode: number | null, stdout: string, stderr: string): PenstockRun {
  const messages = stdout.split('\n').flatMap((line) => {
    const parsed = parseLine(line);
    return parsed.kind === 'message' ? [parsed.message as EngineMessage] : [];
  });
  const last = messages.at(-1);
  return { exitCode, stdout, stderr, messages, eof: last?.type === 'eof' ? last.eof : undefined };
}

/** Runs it to its end. */
export function runPenstock(args: readonly string[], environment?: Record<string, string>): Promise<PenstockRun> {
  return startPenstock(args, environment).done;
}

/**
 * A pipeline of the two fake connectors in a folder of its own; the destination writes to `out`.
 *
 * @param program the source: a file of this folder, without its ending, and its first arguments
 */
export async function fakePipeline(
  folder: string,
  source: Record<string, unknown>,
  destination: Record<string, unknown> = {},
  [program, ...args]: readonly [string, ...string[]] = ['fake-source'],
): Promise<{ readonly file: string; readonly out: string; readonly state: string }> {
  await mkdir(folder, { recursive: true });
  const [file, out, state] = ['pipeline.json', 'out.txt', 'state.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const pipeline = {
    name: 'fake',
    source: { command: [process.execPath, fake(program), ...args], config: source },
    destination: { command: [process.execPath, fake('fake-destination')], config: { path: out, ...destination } },
    state: { file: state },
  };
  await writeFile(file, JSON.stringify(pipeline));
  return { file, out, state };
}
