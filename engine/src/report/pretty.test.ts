import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { encodeMessage, type Message, message } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { pretty, prettyLines } from './pretty.ts';
import { exampleEof, exampleProgress, textOf } from './testing.ts';

const shown = (spoken: Message) => textOf(prettyLines(encodeMessage(spoken), 100)!);
const stream = 'customers';
const range = { gte: '2026-01-01T00:00:00Z', lt: '2026-02-01T00:00:00Z' };

it('has a line for every kind of message', () => {
  const all: Message[] = [
    message.record({ stream, emitted_at: range.gte, data: { id: 'cus_1', name: 'x' } }),
    message.record({ stream, emitted_at: range.gte, data: { id: 'cus_2', deleted: true } }),
    message.record({ stream, emitted_at: range.gte, data: { code: 7 } }),
    message.sourceState({ state_type: 'stream', stream, data: { remaining: [] }, record_count: 3 }),
    message.sourceState({ state_type: 'global', data: { cursor: 'evt_1' } }),
    message.streamStatus({ stream, status: 'start', time_range: { lt: range.lt } }),
    message.streamStatus({ stream, status: 'running' }),
    message.streamStatus({ stream, status: 'range_complete', range_complete: range }),
    message.streamStatus({ stream, status: 'complete' }),
    message.streamStatus({ stream, status: 'error', error: 'broken' }),
    message.streamStatus({ stream, status: 'skip', reason: 'not enabled' }),
    message.writeResult({ stream, created: 1200, updated: 3, deleted: 1, skipped: 0 }),
    { ...message.log({ level: 'warn', message: 'slow', stream }), _emitted_by: 'source/stripe', _ts: range.gte },
    message.spec({
      config: { properties: { url: {} } },
      protocol_version: 1,
      connector: { name: 'x', version: '1.0' },
    }),
    message.connectionStatus({ status: 'failed', message: 'wrong key' }),
    message.connectionStatus({ status: 'succeeded' }),
    message.catalog({ streams: [{ name: stream, primary_key: [['id']] }] }),
    message.control({ control_type: 'source_config', source_config: { api_key: 'sk_live_secret' } }),
    message.progress(exampleProgress()),
    { type: 'source_input', source_input: { id: 'evt_1' } },
  ];
  expect(all.map(shown).join('\n')).toMatchInlineSnapshot(`
    "record customers  cus_1
    record customers  cus_2  deleted
    record customers  code=7
    state  customers  after 3 records  {"remaining":[]}
    state  global  {"cursor":"evt_1"}
    ● customers start [… → 2026-02-01 00:00:00Z)
    ● customers running
    ● customers range complete [2026-01-01 00:00:00Z → 2026-02-01 00:00:00Z)
    ✓ customers complete
    ✗ customers error: broken
    – customers skip: not enabled
    write  customers  1,200 created, 3 updated, 1 deleted, 0 unchanged
    00:00:00 warn  source/stripe customers: slow
    spec   x 1.0  protocol 1, config: url
    check  failed: wrong key
    check  succeeded
    catalog 1 stream  customers
    control source_config: api_key
    progress 2.0s, 217,200 records, 108,600/s, 3 of 6 streams done, started
    input  {"id":"evt_1"}"
  `);
});

it('ends with the summary of the run', () => {
  expect(shown(message.eof(exampleEof()))).toContain('stopped at the time limit');
});

it.each(['make: Entering directory', '{"type":"record"}', '{"a":1}', '[]', '', '{"type":'])(
  'leaves %j as it is, since it is no message',
  (line) => {
    expect(prettyLines(line, 80)).toBeUndefined();
  },
);

it('shows a message of an unknown type, at most one line of it', () => {
  const line = JSON.stringify({ type: 'weather', weather: 'x'.repeat(200) });
  expect(textOf(prettyLines(line, 80)!)).toHaveLength(80);
});

it('reads lines whatever way they are cut, and the last one without its newline', async () => {
  const bytes = Buffer.from(`hello\n${encodeMessage(message.log({ level: 'info', message: 'grüße' }))}end`);
  const output = new PassThrough();
  const read = text(output);
  await pretty(Readable.from([...bytes].map((byte) => Buffer.from([byte]))), output);
  output.end();
  expect(await read).toBe('hello\ninfo  grüße\nend\n');
});
