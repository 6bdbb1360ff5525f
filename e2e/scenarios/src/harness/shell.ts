import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

/** What a script left behind. */
export interface ShellResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they came. */
  readonly output: string;
}

/** A script that runs. */
export interface RunningShell {
  /** Of bash, which leads a process group. */
  readonly pid: number;
  readonly ended: Promise<ShellResult>;
}

/** Starts bash with a script, as a cron job would have it: no terminal, and nothing on stdin. */
export function startShell(script: string, cwd: string, env: Record<string, string> = {}): RunningShell {
  const child = spawn('bash', ['-c', script], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const texts = { stdout: '', stderr: '', output: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      texts.output += text;
    });
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...texts }));
  return { pid: child.pid!, ended };
}

/** Runs a script to its end. */
export function runShell(script: string, cwd: string, env: Record<string, string> = {}): Promise<ShellResult> {
  return startShell(script, cwd, env).ended;
}

/** Runs `docker` and gives what it printed on stdout. @throws Error with its stderr when it fails */
export async function docker(...args: string[]): Promise<string> {
  return (await promisify(execFile)('docker', args, { maxBuffer: 64 * 1024 * 1024 })).stdout.trim();
}

/** The same, one entry a line; an empty answer has none. */
export async function dockerLines(...args: string[]): Promise<string[]> {
  return (await docker(...args)).split('\n').filter((line) => line !== '');
}
