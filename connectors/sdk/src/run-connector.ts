import { Console } from 'node:console';
import type { Writable } from 'node:stream';
import { ExitCode } from '@penstock/protocol';
import { type AnyConnector, programName } from './connector.ts';
import { LINGER_MS } from './limit.ts';
import { runProgram } from './run.ts';
import { StopControl } from './stop-control.ts';
import { keepYoungGenerationSmall } from './young-generation.ts';

/**
 * Turns a connector into the program of this process: reads the command line, runs the command, sets the exit code. All
 * that a connector's `main.ts` has to do.
 *
 * From then on stdout belongs to the protocol (P8): `console.log` and the like, and writes to `process.stdout`, go to
 * stderr.
 */
export async function runConnector(connector: AnyConnector): Promise<void> {
  keepYoungGenerationSmall();
  const { stdin, stdout, stderr } = process;
  // A process in which nothing is left to wait for ends at once. It must not look as if it were done.
  process.exitCode = ExitCode.retry;
  const onDeadEnd = (): void => {
    stderr.write(`${programName(connector)}: The connector waits for something that can not come any more.\n`);
  };
  process.once('beforeExit', onDeadEnd);
  stderr.on('error', () => undefined);
  const stop = new StopControl();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.signalled(name));
  const broken = Promise.withResolvers<never>();
  // Only a command waits for it; before and after there is nobody to tell.
  broken.promise.catch(() => undefined);
  let isBroken = false;
  process.on('uncaughtException', (error) => {
    isBroken = true;
    broken.reject(error);
  });
  const exitCode = await runProgram(connector, {
    args: process.argv.slice(2),
    env: process.env,
    stdin,
    stdout: takeStdout(stdout, stderr),
    stderr,
    stop,
    broken: broken.promise,
  });
  process.off('beforeExit', onDeadEnd);
  process.exitCode = exitCode;
  stdin.destroy();
  // Everything is written by now, so ending at once loses nothing.
  if (isBroken || exitCode === ExitCode.stopped) process.exit();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** @returns what still writes to stdout, while everybody else's writes, also of those who hold it already, go to stderr */
function takeStdout(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): Writable {
  globalThis.console = new Console({ stdout: stderr, stderr });
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  return new Proxy(stdout, {
    get(target, key) {
      if (key === 'write') return write;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
