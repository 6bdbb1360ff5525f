/**
 * A source for tests, in plain JavaScript as an author without the SDK would write it. `config.streams` is
 * {NAME: number of records}; a checkpoint `{next: n}` follows every `page` records, and reading goes on from it.
 */
import { readFileSync } from 'node:fs';

const [command, ...rest] = process.argv.slice(2);
const flag = (name) =>
  rest.includes(name) ? JSON.parse(readFileSync(rest[rest.indexOf(name) + 1], 'utf8')) : undefined;
const config = flag('--config') ?? {};
/** Of the lines that `read` writes, the last half of one and all after it are lost when `lines` is given. */
let linesLeft = command === 'read' ? (config.lines ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
const say = (message) =>
  new Promise((resolve) => {
    const line = `${JSON.stringify(message)}\n`;
    linesLeft -= 1;
    const kept = linesLeft >= 0 ? line : linesLeft > -1 ? line.slice(0, line.length / 2) : '';
    if (process.stdout.write(kept)) resolve();
    else process.stdout.once('drain', resolve);
  });

const specConfig = {
  type: 'object',
  additionalProperties: false,
  required: ['streams'],
  properties: {
    streams: { type: 'object', additionalProperties: { type: 'integer' } },
    page: { type: 'integer' },
    lines: { type: 'number', description: 'How many arrive; the rest is lost, and a half of one with .5' },
    delay_ms: { type: 'integer', description: 'Wait after each page' },
    api_key: { type: 'string', secret: true },
    mode: { type: 'string', enum: ['good', 'silent_end', 'bad_key', 'crash', 'stray', 'stubborn', 'talkative'] },
  },
};

let stopped = false;
process.on('SIGTERM', () => {
  stopped = config.mode !== 'stubborn';
});

if (command === 'spec') {
  await say({
    type: 'spec',
    spec: { config: specConfig, protocol_version: 1, connector: { name: 'source-fake', version: '1.0.0' } },
  });
} else if (command === 'check') {
  if (config.mode === 'stubborn') await new Promise((resolve) => setTimeout(resolve, 60_000));
  const status = config.mode === 'bad_key' ? 'failed' : 'succeeded';
  await say({ type: 'connection_status', connection_status: { status, message: 'a message', failure_type: 'config' } });
} else if (command === 'discover') {
  if (config.mode === 'talkative') await say({ type: 'log', log: { level: 'info', message: 'looking around' } });
  const streams = Object.keys(config.streams).map((name) => ({
    name,
    primary_key: [['id']],
    supports_time_range: true,
  }));
  await say({ type: 'catalog', catalog: { streams } });
} else if (command === 'read') {
  process.stdin.on('end', () => process.exit(10)).resume();
  await read();
  // Not process.exit: it would drop what stdout still holds.
  process.stdin.destroy();
}

async function read() {
  if (config.mode === 'bad_key') {
    await say({
      type: 'connection_status',
      connection_status: { status: 'failed', message: 'bad key', failure_type: 'config' },
    });
    process.exitCode = 20;
    return;
  }
  const catalog = flag('--catalog');
  const state = flag('--state') ?? { streams: {} };
  const emitted_at = new Date().toISOString();
  for (const { stream, time_range } of catalog.streams) {
    await say({
      type: 'stream_status',
      stream_status: { stream: stream.name, status: 'start', ...(time_range && { time_range }) },
    });
  }
  if (config.mode === 'talkative') {
    const error = `refused ${config.api_key}`;
    const stream = catalog.streams[0].stream.name;
    await say({ type: 'stream_status', stream_status: { stream, status: 'error', error, failure_type: 'config' } });
    return;
  }
  if (config.mode === 'stray') {
    for (let i = 0; i < 3; i++)
      await say({ type: 'record', record: { stream: 'nobody_asked', emitted_at, data: { id: String(i) } } });
  }
  for (const { stream } of catalog.streams) {
    let next = state.streams[stream.name]?.next ?? 0;
    const total = config.streams[stream.name];
    while (next < total) {
      if (stopped) {
        process.exitCode = 10;
        return;
      }
      const until = Math.min(total, next + (config.page ?? 100));
      for (; next < until; next++) {
        await say({
          type: 'record',
          record: { stream: stream.name, emitted_at, data: { id: `${stream.name}_${next}`, n: next } },
        });
      }
      await say({ type: 'source_state', source_state: { state_type: 'stream', stream: stream.name, data: { next } } });
      if (config.mode === 'crash' && next >= total / 2) {
        console.error(`the key ${config.api_key} made me crash`);
        process.exitCode = 3;
        return;
      }
      if (config.delay_ms) await new Promise((resolve) => setTimeout(resolve, config.delay_ms));
    }
    if (config.mode !== 'silent_end')
      await say({ type: 'stream_status', stream_status: { stream: stream.name, status: 'complete' } });
  }
}
