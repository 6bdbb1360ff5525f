import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCli } from '../../cli.ts';
import { type PenstockRun, toRun } from './penstock.ts';

/**
 * Calls the `penstock` command in this process, where to start another one would take longer than all that it does. The
 * connectors are processes as ever. For what is told by the output and by what is left in files and tables: `startPenstock`
 * starts the program, for what a process alone has, such as signals and a folder for temporary files.
 *
 * @param environment in place of variables of this process
 * @param input what it reads from stdin
 */
export async function callPenstock(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): Promise<PenstockRun> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  stdin.end(input);
  const written = Promise.all([text(stdout), text(stderr)]);
  // Streams of a process that is on no terminal have nothing that these lack.
  const streams = { stdin, stdout, stderr } as unknown as Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr'>;
  const exitCode = await runCli(args, { env: { ...process.env, ...environment }, ...streams });
  stdout.end();
  stderr.end();
  return toRun(exitCode, ...(await written));
}
