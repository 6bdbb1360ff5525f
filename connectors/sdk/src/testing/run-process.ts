import { type ChildProcess, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** A program under test, its stdout and stderr collected unless they are taken by the test. */
export interface ProcessRun {
  readonly child: ChildProcess;
  readonly stdout: Promise<string>;
  readonly stderr: Promise<string>;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** @param takeStdout the test reads stdout itself */
export function runProcess(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
  takeStdout = false,
): ProcessRun {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return {
    child,
    stdout: takeStdout ? Promise.resolve('') : text(child.stdout!),
    stderr: text(child.stderr!),
    ended,
  };
}
