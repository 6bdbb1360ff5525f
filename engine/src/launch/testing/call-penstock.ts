import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCli } from '../../cli.ts';
import type { PenstockRun } from './penstock.ts';

/**
 * Calls the `penstock` command in this process, where to start another one would take longer than all that it does. For commands
 * that neither handle signals of their own nor leave anything behind; `runPenstock` starts the program.
 *
 * @param input what it reads from stdin
 */
export async function callPenstock(
  args: readonly string[],
  input = '',
): Promise<Pick<PenstockRun, 'exitCode' | 'stdout' | 'stderr'>> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const written = Promise.all([text(stdout), text(stderr)]);
  // Streams of a process that is on no terminal have nothing that these lack.
  const streams = { stdin, stdout, stderr } as unknown as Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr'>;
  const exitCode = await runCli(args, { env: process.env, ...streams });
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { exitCode, stdout: out, stderr: err };
}
