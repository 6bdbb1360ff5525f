import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programFolder } from './program.ts';

/** Programs in a shell. */
export interface RunningPipe {
  /** Of the shell, and of the process group of all in it. */
  readonly pid: number;
  /** Settles when all of it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/** Runs a bash script that finds the programs of this repository by their names, in a process group of its own. */
export function startShell(
  script: string,
  options: { readonly cwd: string; readonly env?: Record<string, string> },
): RunningPipe {
  const shell = spawn('bash', ['-c', script], {
    cwd: options.cwd,
    env: {
      ...process.env,
      PATH: `${programFolder()}:${process.env.PATH}`,
      ...options.env,
    },
    stdio: ['ignore', 'inherit', 'pipe'],
    detached: true,
  });
  let stderr = '';
  shell.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(shell, 'close').then(([code]) => ({ code: code as number | null, stderr }));
  return { pid: shell.pid!, ended };
}
