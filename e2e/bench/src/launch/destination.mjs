// A destination that does nothing but count and confirm, and says how long it took from the first byte to the last. It needs
// no package, so that it runs as it is in any of our images.
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string' },
    catalog: { type: 'string' },
    input: { type: 'string' },
    output: { type: 'string' },
  },
});

const line = (type, payload) => `${JSON.stringify({ type, [type]: payload })}\n`;
const config = { type: 'object', properties: {}, additionalProperties: false };
const recordHead = Buffer.from('{"type":"record"');

async function write(stdin, stdout) {
  let startedAt;
  let bytes = 0;
  let records = 0;
  let rest = Buffer.alloc(0);
  const take = (text) => {
    const message = JSON.parse(text);
    if (message.type === 'source_state' && message.source_state.record_count !== records) {
      const error = `${records} records came instead of ${message.source_state.record_count}`;
      stdout.write(line('stream_status', { stream: 'rows', status: 'error', error }));
    } else stdout.write(`${text}\n`);
  };
  for await (const chunk of stdin) {
    startedAt ??= performance.now();
    bytes += chunk.length;
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
      if (data.compare(recordHead, 0, recordHead.length, start, start + recordHead.length) === 0) records++;
      else take(data.toString('utf8', start, end));
      start = end + 1;
    }
    rest = data.subarray(start);
  }
  const seconds = startedAt === undefined ? 0 : (performance.now() - startedAt) / 1000;
  stdout.end(line('log', { level: 'info', message: 'measured', data: { bytes, seconds } }));
}

const [command] = positionals;
if (command === 'write') {
  // In a pod it waits here until the engine has something to say.
  readFileSync(values.catalog);
  const { input, output } = values;
  const stdin = input === undefined ? process.stdin : new Socket({ fd: openSync(input, 'r'), writable: false });
  const stdout = output === undefined ? process.stdout : new Socket({ fd: openSync(output, 'w'), readable: false });
  await write(stdin, stdout);
} else {
  const connector = { name: 'bench', version: '1.0.0' };
  const answers = {
    spec: line('spec', { config, protocol_version: 1, connector, destination_sync_modes: ['append', 'append_dedup'] }),
    check: line('connection_status', { status: 'succeeded' }),
  };
  writeFileSync(values.output ?? 1, answers[command]);
}
