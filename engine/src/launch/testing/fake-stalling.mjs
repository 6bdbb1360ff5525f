/**
 * Another fake connector, which stalls before one of its commands until it may go on: what a test does meanwhile is done at
 * that very moment of a run. The arguments before the command: the command that stalls, a file, and the fake's name.
 *
 * When it comes to that command it makes the file, and goes on once there is one of that name with `.go` at its end. SIGTERM
 * ends it meanwhile with exit code 10, as one that was stopped before it has done anything.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [program, script, stallsAt, file, name, ...args] = process.argv;
if (args[0] === stallsAt) {
  const stop = () => process.exit(10);
  process.on('SIGTERM', stop);
  writeFileSync(file, '');
  while (!existsSync(`${file}.go`)) await sleep(20);
  process.off('SIGTERM', stop);
}
process.argv = [program, script, ...args];
await import(`./${name}.mjs`);
