import { spawn } from 'node:child_process';

/** Bytes of stderr that an error message shows. */
const STDERR_SHOWN_MAX = 2000;

/** Runs a program to its end. @returns its stdout @throws Error with the end of its stderr, when it failed */
export function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_SHOWN_MAX);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else
        reject(
          new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}${stdout.slice(-STDERR_SHOWN_MAX)}`),
        );
    });
  });
}
