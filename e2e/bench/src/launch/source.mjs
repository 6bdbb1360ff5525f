// A source that does nothing but write: as many MB of records as its config says, made before it starts. It needs no package,
// so that it runs as it is in any of our images.
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';

const RECORD_BYTES = 1400;
const CHUNK_RECORDS = 180;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string' },
    catalog: { type: 'string' },
    state: { type: 'string' },
    input: { type: 'string' },
    output: { type: 'string' },
    'stop-on-stdin-end': { type: 'boolean' },
  },
});

const line = (type, payload) => `${JSON.stringify({ type, [type]: payload })}\n`;
const stream = { name: 'rows', primary_key: [['id']], json_schema: { properties: { id: { type: 'integer' } } } };
const config = { type: 'object', properties: { megabytes: { type: 'number' } }, additionalProperties: false };

/** In a pod, and nowhere else, it waits here until the engine has something to say. */
const waitFor = (path) => path === undefined || readFileSync(path);

function recordLine(id) {
  const head = `{"type":"record","record":{"stream":"rows","emitted_at":"2026-01-31T12:00:00Z","data":{"id":${id},"text":"`;
  return `${head.padEnd(RECORD_BYTES - 5, 'x')}"}}}\n`;
}

async function read(stdout) {
  const chunk = Buffer.from(Array.from({ length: CHUNK_RECORDS }, (_, i) => recordLine(1000 + i)).join(''));
  const { megabytes } = JSON.parse(readFileSync(values.config, 'utf8'));
  const chunks = Math.ceil((megabytes * 1e6) / chunk.length);
  stdout.write(line('stream_status', { stream: 'rows', status: 'start' }));
  for (let i = 0; i < chunks; i++) {
    if (!stdout.write(chunk)) await new Promise((resolve) => stdout.once('drain', resolve));
  }
  const record_count = chunks * CHUNK_RECORDS;
  stdout.write(line('source_state', { state_type: 'stream', stream: 'rows', data: { record_count }, record_count }));
  stdout.end(line('stream_status', { stream: 'rows', status: 'complete' }));
}

const [command] = positionals;
if (command === 'read') {
  waitFor(values.catalog);
  waitFor(values.state);
  if (values['stop-on-stdin-end']) {
    const { input } = values;
    const stdin = input === undefined ? process.stdin : new Socket({ fd: openSync(input, 'r'), writable: false });
    stdin.once('end', () => process.exit(10)).resume();
  }
  const stdout =
    values.output === undefined ? process.stdout : new Socket({ fd: openSync(values.output, 'w'), readable: false });
  await read(stdout);
  stdout.once('finish', () => process.exit(0));
} else {
  const answers = {
    spec: line('spec', { config, protocol_version: 1, connector: { name: 'bench', version: '1.0.0' } }),
    check: line('connection_status', { status: 'succeeded' }),
    discover: line('catalog', { streams: [stream] }),
  };
  writeFileSync(values.output ?? 1, answers[command]);
}
