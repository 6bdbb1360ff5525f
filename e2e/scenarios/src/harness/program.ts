import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Root of the repository: where `npm exec` finds the programs. */
export const repositoryRoot = fileURLToPath(new URL('../../../../', import.meta.url));

/** The programs of this repository, as a user calls them. */
export type ProgramName = 'source-stripe' | 'destination-postgres' | 'penstock' | 'stripe-simulator';

/** What a program left behind. */
export interface ProgramResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running program. */
export interface RunningProgram {
  readonly child: ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };
  /** Settles when it has ended and its output was read to the end. */
  readonly ended: Promise<ProgramResult>;
}

/** How to start it. */
export interface StartOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Written to stdin, which is closed then. Without it stdin stays open. */
  readonly input?: string;
  /** Leave stdout to the caller (a pipe); `ended.stdout` is empty then. */
  readonly rawStdout?: boolean;
  /** Start it as the leader of a process group, so that the whole group can be killed. */
  readonly group?: boolean;
}

/** The folder of the programs, for PATH: bundled where the run has made that, and else as `npm exec` finds them. */
export function programFolder(): string {
  return process.env.PENSTOCK_TEST_PROGRAMS ?? path.join(repositoryRoot, 'node_modules', '.bin');
}

/** The command line of a program: what `npm exec -- NAME` runs, without npm's own start-up time. */
export function programCommand(name: ProgramName): [command: string, ...args: string[]] {
  return [process.execPath, path.join(programFolder(), name)];
}

/** Starts a program. Its output is kept whole: scenarios are small. */
export function startProgram(name: ProgramName, args: readonly string[], options: StartOptions = {}): RunningProgram {
  const [command, ...first] = programCommand(name);
  const child = spawn(command, [...first, ...args], {
    cwd: options.cwd ?? repositoryRoot,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: options.group ?? false,
  }) as RunningProgram['child'];
  let stdout = '';
  let stderr = '';
  if (options.rawStdout !== true) child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // The program may end before it has read its input; that is its right.
  child.stdin.on('error', () => {});
  if (options.input !== undefined) child.stdin.end(options.input);
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { child, ended };
}

/** Runs a program to its end. */
export function runProgram(
  name: ProgramName,
  args: readonly string[],
  options: StartOptions = {},
): Promise<ProgramResult> {
  return startProgram(name, args, { input: '', ...options }).ended;
}

/** Resolves when the first stream of a `penstock sync --plain` has started, or the program has ended before. */
export async function whenUnderWay(sync: RunningProgram): Promise<void> {
  let output = '';
  await new Promise<void>((resolve) => {
    void sync.ended.then(() => resolve());
    sync.child.stdout.on('data', (text: string) => {
      output += text;
      if (output.includes(': started\n')) resolve();
    });
  });
}
