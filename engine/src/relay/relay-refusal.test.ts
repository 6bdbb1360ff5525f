import { PassThrough, Writable } from 'node:stream';
import { type DestinationMessage, encodeMessage, LINE_BYTES_MAX, message } from '@penstock/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectorEnd } from '../launch/connector-end.ts';
import type { RunningConnector } from '../launch/launcher.ts';
import { scriptConnector } from '../launch/testing/script-connector.ts';
import { Relay } from './relay.ts';

const running: RunningConnector[] = [];
afterEach(() => {
  for (const connector of running.splice(0)) connector.kill();
});

const record = (id: number): string =>
  encodeMessage(message.record({ stream: 'a', emitted_at: '2026-01-01T00:00:00Z', data: { id } }));
const checkpoint = encodeMessage(
  message.sourceState({ state_type: 'stream', stream: 'a', data: { pos: 9 }, record_count: 9 }),
);

interface Fake {
  readonly connector: RunningConnector;
  readonly stdout: PassThrough;
  readonly written: Buffer[];
  /** What it was asked to do. */
  readonly asked: string[];
  end(code: number): void;
}

/** A connector whose chunks are the test's. It ends when the test says so. */
function fake(name: string): Fake {
  const stdout = new PassThrough();
  const { promise, resolve } = Promise.withResolvers<ConnectorEnd>();
  const [written, asked]: [Buffer[], string[]] = [[], []];
  const stdin = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(Buffer.from(chunk));
      done();
    },
  });
  const connector: RunningConnector = {
    name,
    stdin,
    stdout,
    ended: promise,
    stderrTail: () => '',
    stop: () => asked.push('stop'),
    kill: () => asked.push('kill'),
  };
  const end = (code: number): void => {
    stdout.once('end', () => resolve({ kind: 'exited', code }));
    stdout.end();
  };
  return { connector, stdout, written, asked, end };
}

function join2() {
  const [source, destination] = [fake('source/test'), fake('destination/test')];
  const seen: DestinationMessage[] = [];
  const relay = new Relay({
    source: source.connector,
    destination: destination.connector,
    streams: new Set(['a']),
    onSourceMessage() {},
    onDestinationMessage: (each) => seen.push(each),
    onLog() {},
    onUnknownStream(stream) {
      throw new Error(`nobody knows ${stream}`);
    },
  });
  return { relay, source, destination, seen };
}

/** Each chunk in a tick of its own, so that it is read as it is. */
async function give({ stdout }: Fake, chunks: readonly (string | Buffer)[]): Promise<void> {
  for (const chunk of chunks) {
    stdout.write(chunk);
    await new Promise((done) => setImmediate(done));
  }
}

const tooLong = 'x'.repeat(LINE_BYTES_MAX + 1);
const stranger = record(5).replace('"a"', '"stranger"');
const bad = [
  ['one invalid line too many', 'protocol_violated', 'rubbish\n'.repeat(100), 'DEBUG page fetched\n'],
  ['a line over the limit', 'line_too_long', '', `${tooLong}\n`],
  ['a line that its listener fails at', 'internal', '', stranger],
] as const;
const half = Math.floor(record(3).length / 2);
const places: readonly [where: string, chunks: (line: string) => string[], passed: string][] = [
  ['at the start of a chunk', (line) => [record(1), line + record(2) + checkpoint], record(1)],
  ['in the middle of a chunk', (line) => [record(1) + line + record(2) + checkpoint], record(1)],
  ['at the end of a chunk', (line) => [record(1) + record(2) + line, record(3)], record(1) + record(2)],
  [
    'over two chunks',
    (line) => [record(1) + line.slice(0, 7), line.slice(7) + record(2) + checkpoint, record(3)],
    record(1),
  ],
  [
    'over three chunks, the last of which has its newline only',
    (line) => [record(1) + line.slice(0, 7), line.slice(7, -1), `\n${record(2)}`],
    record(1),
  ],
  [
    'after a line that began in the chunk before',
    (line) => [record(1) + record(3).slice(0, half), record(3).slice(half) + line + record(2)],
    record(1) + record(3),
  ],
];

describe.each(bad)('once a source wrote %s', (_what, code, before, line) => {
  it.each(places)('%s, the destination has what came before, and never more', async (_where, chunks, passed) => {
    const { relay, source, destination } = join2();
    await give(source, [...(before === '' ? [] : [before]), ...chunks(line), record(4), checkpoint + record(5)]);
    // Without its newline: what would be looked at when the source has ended well.
    await give(source, [checkpoint.trimEnd()]);
    expect(source.asked).toContain('stop');
    // All of it was read, so that the source could come to its end.
    expect(source.stdout.readableLength).toBe(0);
    source.end(0);
    await expect.poll(() => destination.connector.stdin.writableFinished).toBe(true);
    destination.end(0);
    expect((await relay.done).error).toMatchObject({ code });
    expect(Buffer.concat(destination.written).toString()).toBe(passed);
    const records = passed.trimEnd().split('\n');
    const bytes = records.reduce((sum, { length }) => sum + length, 0);
    expect(relay.takeCounts().get('a')).toEqual({ records: records.length, bytes });
  });
});

describe('once a destination wrote', () => {
  it.each([
    ['one invalid line too many', 'protocol_violated', 'rubbish\n'.repeat(101)],
    ['a line over the limit', 'line_too_long', `${tooLong}\n`],
    ['a record', 'protocol_violated', record(1)],
  ])('%s, none of its later checkpoints is believed', async (_what, code, lines) => {
    const { relay, source, destination, seen } = join2();
    await give(destination, [checkpoint + lines.slice(0, 7), lines.slice(7) + checkpoint, `\n${checkpoint}`]);
    await give(destination, [checkpoint.trimEnd()]);
    expect([source.asked, destination.asked]).toEqual([['stop'], ['stop']]);
    source.end(10);
    destination.end(0);
    expect((await relay.done).error).toMatchObject({ code });
    expect(seen.map(({ type }) => type)).toEqual(['source_state']);
  });
});

it('saves no checkpoint of an honest source that is stopped because of its debug lines', async () => {
  const source = await scriptConnector(
    'source/test',
    `let isStopped = false;
     process.on('SIGTERM', () => { isStopped = true; });
     for (let id = 1; !isStopped; id++) {
       await write(JSON.stringify(record('a', id)) + '\\n' + (id > 50 ? 'DEBUG page fetched\\n' : ''));
       await new Promise((done) => setTimeout(done, 1));
     }
     say({ type: 'source_state', source_state: { state_type: 'stream', stream: 'a', data: {} } });
     process.exitCode = 10;`,
  ).launch({ command: 'read' });
  const answering = `for await (const line of (await import('node:readline')).createInterface({ input: process.stdin }))
    if (JSON.parse(line).type === 'source_state') process.stdout.write(line + '\\n'); else say(status('a', 'running'));`;
  const destination = await scriptConnector('destination/test', answering).launch({ command: 'write' });
  running.push(source, destination);
  const seen: string[] = [];
  const relay = new Relay({
    source,
    destination,
    streams: new Set(['a']),
    onSourceMessage() {},
    onDestinationMessage: ({ type }) => seen.push(type),
    onLog() {},
    onUnknownStream() {},
  });
  const end = await relay.done;
  expect(end.error?.message).toContain('source/test wrote 101 lines');
  // It was not killed: whatever it still wrote was read, its checkpoint too.
  expect(end.sourceEnd).toEqual({ kind: 'exited', code: 10 });
  expect(relay.takeCounts().get('a')?.records).toBe(seen.length);
  expect(seen).not.toContain('source_state');
});
