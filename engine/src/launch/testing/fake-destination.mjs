/**
 * A destination for tests, in plain JavaScript: appends the ids of records to the file `config.path`, and puts out
 * checkpoints and statuses after what came before them is in the file.
 */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [command, ...rest] = process.argv.slice(2);
const flag = (name) =>
  rest.includes(name) ? JSON.parse(readFileSync(rest[rest.indexOf(name) + 1], 'utf8')) : undefined;
const config = flag('--config') ?? {};
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const specConfig = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: { type: 'string' },
    password: { type: 'string', secret: true },
    tears_down: { type: 'boolean', description: 'Have `teardown`, which removes the file' },
    die_after: { type: 'integer', description: 'End with exit code 7 after so many records' },
  },
};

if (command === 'spec') {
  say({
    type: 'spec',
    spec: { config: specConfig, protocol_version: 1, destination_sync_modes: ['append', 'append_dedup'] },
  });
} else if (command === 'check') {
  say({ type: 'connection_status', connection_status: { status: 'succeeded' } });
} else if (command === 'teardown' && config.tears_down === true) {
  rmSync(config.path, { force: true });
} else if (command === 'write') {
  let pending = [];
  let records = 0;
  const flush = () => {
    if (pending.length > 0) appendFileSync(config.path, pending.join(''));
    pending = [];
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    if (message.type === 'record') {
      pending.push(`${message.record.data.id}\n`);
      records += 1;
      if (records === config.die_after) {
        flush();
        console.error(`no space left, password ${config.password}`);
        process.exit(7);
      }
    } else {
      flush();
      say(message);
    }
  }
  flush();
} else {
  console.error(`there is no command ${command}`);
  process.exitCode = 2;
}
