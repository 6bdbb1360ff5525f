/**
 * A source for tests that has a position of its own for all streams together, stays when it is told to, and finds out
 * things about its config. In plain JavaScript. `config.streams` is {NAME: number of records}; the global state is
 * `{cursor: n}`, one higher after each round of records. What each command was given is a line in the file `config.journal`.
 *
 * `old` among the arguments before the command makes one that knows nothing of `setup` and `teardown`.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const isOld = process.argv[2] === 'old';
const [command, ...rest] = process.argv.slice(isOld ? 3 : 2);
const flag = (name) =>
  rest.includes(name) ? JSON.parse(readFileSync(rest[rest.indexOf(name) + 1], 'utf8')) : undefined;
const config = flag('--config') ?? {};
const catalog = flag('--catalog');
const state = flag('--state');
const say = (message) =>
  new Promise((resolve) => {
    if (process.stdout.write(`${JSON.stringify(message)}\n`)) resolve();
    else process.stdout.once('drain', resolve);
  });
const log = (level, message) => say({ type: 'log', log: { level, message } });
if (config.journal) {
  const names = catalog?.streams.map(({ stream }) => stream.name);
  const { account, webhook_secret } = config;
  const line = { command, account, webhook_secret, streams: names, state };
  appendFileSync(config.journal, `${JSON.stringify(line)}\n`);
}

const specConfig = {
  type: 'object',
  additionalProperties: false,
  required: ['streams'],
  properties: {
    streams: { type: 'object', additionalProperties: { type: 'integer' } },
    optional: { type: 'array', items: { type: 'string' }, description: 'Streams that are read only when named' },
    journal: { type: 'string' },
    api_key: { type: 'string', secret: true },
    account: { type: 'string', description: 'Found out by setup, or by read with `control`' },
    webhook_secret: { type: 'string', secret: true, description: 'Likewise' },
    region: { type: 'string', default: 'eu' },
    poll_ms: { type: 'integer', description: 'Stays, with a round each so many milliseconds' },
    rounds: { type: 'integer', description: 'Rounds of records after the first, 0 when absent' },
    control: { type: 'boolean', description: 'read tells what it found out' },
    refuse_setup: { type: 'boolean' },
    stall_setup: { type: 'boolean', description: 'setup finds things out and does not end' },
  },
};
const whole = () => ({
  region: 'eu',
  ...config,
  account: config.account ?? `account of ${config.api_key}`.replace(/of .*_/, 'of '),
  webhook_secret: config.webhook_secret ?? 'whsec_found_out',
});
const sayConfig = () => say({ type: 'control', control: { control_type: 'source_config', source_config: whole() } });

let stopped = false;
process.on('SIGTERM', () => {
  stopped = true;
});

switch (command) {
  case 'spec': {
    const commands = isOld ? {} : { commands: ['setup', 'teardown'] };
    await say({ type: 'spec', spec: { config: specConfig, protocol_version: 1, ...commands } });
    break;
  }
  case 'check':
    await say({ type: 'connection_status', connection_status: { status: 'succeeded' } });
    break;
  case 'discover': {
    const streams = Object.keys(config.streams).map((name) => ({
      name,
      primary_key: [['id']],
      supports_time_range: true,
      json_schema: { type: 'object', properties: { id: { type: 'string' }, n: { type: 'integer' } } },
      ...(config.optional?.includes(name) && { metadata: { optional: true } }),
    }));
    await say({ type: 'catalog', catalog: { streams } });
    break;
  }
  case 'read':
    process.stdin.on('end', () => process.exit(10)).resume();
    await read();
    process.stdin.destroy();
    break;
  case 'setup':
  case 'teardown':
    if (isOld) {
      console.error('unknown command');
      process.exitCode = 2;
    } else if (command === 'setup') await setup();
    else await log('info', 'all is taken back');
    break;
}

async function setup() {
  if (config.refuse_setup) {
    const message = `${config.api_key} may not make endpoints`;
    await say({ type: 'connection_status', connection_status: { status: 'failed', message, failure_type: 'config' } });
    process.exitCode = 20;
    return;
  }
  await sayConfig();
  await log('info', `the endpoint's secret is ${whole().webhook_secret}`);
  while (config.stall_setup && !stopped) await sleep(20);
  if (stopped) process.exitCode = 10;
}

async function read() {
  if (config.control) await sayConfig();
  const emitted_at = new Date().toISOString();
  const names = catalog.streams.map(({ stream }) => stream.name);
  const ranges = new Map(catalog.streams.map(({ stream, time_range }) => [stream.name, time_range]));
  let cursor = state?.global.cursor ?? 0;
  const round = async (rows) => {
    for (const stream of names) {
      for (let i = 0; i < rows(stream); i++) {
        await say({ type: 'record', record: { stream, emitted_at, data: { id: `${stream}_${cursor}_${i}`, n: i } } });
      }
    }
    cursor += 1;
    const streams = Object.fromEntries(names.map((name) => [name, { round: cursor }]));
    await say({ type: 'source_state', source_state: { state_type: 'global', data: { cursor }, streams } });
  };
  const at = (second) => new Date(second * 1000).toISOString();
  const until = (name) => Date.parse(ranges.get(name).lt) / 1000;
  for (const stream of names) {
    const time_range = { gte: at(until(stream) - 3600), lt: ranges.get(stream).lt };
    await say({ type: 'stream_status', stream_status: { stream, status: 'start', time_range } });
  }
  await round((stream) => config.streams[stream]);
  let end = 0;
  const covered = async (from, to) => {
    for (const stream of names) {
      const range_complete = { gte: at(until(stream) + from), lt: at(until(stream) + to) };
      await say({ type: 'stream_status', stream_status: { stream, status: 'range_complete', range_complete } });
    }
  };
  await covered(-3600, 0);
  for (let i = 0; config.poll_ms !== undefined || i < (config.rounds ?? 0); i++) {
    if (stopped) {
      process.exitCode = 10;
      return;
    }
    await round(() => 1);
    await covered(end, end + 1);
    end += 1;
    if (config.poll_ms) await sleep(config.poll_ms);
  }
  for (const stream of names) await say({ type: 'stream_status', stream_status: { stream, status: 'complete' } });
}
