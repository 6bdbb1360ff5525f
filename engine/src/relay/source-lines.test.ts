import type { LogPayload } from '@penstock/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OutOfBandMessage, SourceLines } from './source-lines.ts';

const time = '2026-01-01T00:00:00Z';
const record = (stream: string, data: unknown): string =>
  `{"type":"record","record":{"stream":"${stream}","emitted_at":"${time}","data":${JSON.stringify(data)}}}`;
const spacedRecord = `{ "record": {"data":{"id": 1.10}, "emitted_at":"${time}", "stream":"a"}, "type" : "record" }`;
const checkpoint = `{"type":"source_state","source_state":{"state_type":"stream","stream":"a","data":{"cursor":"x"}}}`;
const globalCheckpoint = `{"type":"source_state","source_state":{"state_type":"global","data":{"cursor":"x"}}}`;
const status = `{"type":"stream_status","stream_status":{"stream":"b","status":"complete"}}`;
const log = `{"type":"log","log":{"level":"info","message":"hello"}}`;

function collector(streams = ['a', 'b']) {
  const messages: OutOfBandMessage[] = [];
  const logs: LogPayload[] = [];
  const unknown: string[] = [];
  const lines = new SourceLines('source/test', new Set(streams), {
    onMessage: (message) => messages.push(message),
    onLog: (payload) => logs.push(payload),
    onUnknownStream: (stream) => unknown.push(stream),
  });
  return { lines, messages, logs, unknown };
}

/** Feeds the text in chunks of the given sizes. */
function feed(lines: SourceLines, text: string, sizes: readonly number[]): string {
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    out.push(...lines.push(Buffer.from(bytes.subarray(at, at + size))));
    at += size;
  }
  return Buffer.concat(out).toString();
}

describe('lines of a source', () => {
  const passed = [
    record('a', { id: '1' }),
    spacedRecord,
    checkpoint,
    globalCheckpoint,
    status,
    record('b', { x: 'ü€' }),
  ];
  const kept = [log, '', '   ', 'rubbish', '{"type":"unheard_of"}'];

  it('hold back global checkpoints once a record of an unknown stream was dropped, and nothing else', () => {
    const { lines, unknown } = collector();
    const text = [globalCheckpoint, record('c', { id: 1 }), globalCheckpoint, checkpoint, record('a', { id: 1 }), ''];
    expect(feed(lines, text.join('\n'), [1000])).toBe(
      [globalCheckpoint, checkpoint, record('a', { id: 1 }), ''].join('\n'),
    );
    expect(unknown).toEqual(['c']);
  });

  it('pass on the same bytes whatever the chunks are, and nothing else', () => {
    const line = fc.constantFrom(
      ...passed.map((text) => [text, true] as const),
      ...kept.map((text) => [text, false] as const),
    );
    const ending = fc.constantFrom('\n', '\r\n');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(line, ending), { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
        (all, sizes) => {
          const { lines } = collector();
          const input = all.map(([[text], newline]) => text + newline).join('');
          const expected = all.filter(([[, passes]]) => passes).map(([[text], newline]) => text + newline);
          expect(feed(lines, input, sizes)).toBe(expected.join(''));
        },
      ),
    );
  });

  it('are counted by stream, in whichever spelling', () => {
    const { lines } = collector();
    const [a, b] = [record('a', {}), record('b', { text: 'ü' })];
    feed(lines, [a, b, spacedRecord, a, ''].join('\n'), [1000]);
    expect(Object.fromEntries(lines.takeCounts())).toEqual({
      a: { records: 3, bytes: 2 * Buffer.byteLength(a) + Buffer.byteLength(spacedRecord) },
      b: { records: 1, bytes: Buffer.byteLength(b) },
    });
    expect(lines.takeCounts().size).toBe(0);
  });

  it('of logs, configs and connections go to the engine', () => {
    const { lines, messages } = collector();
    const failed = `{"type":"connection_status","connection_status":{"status":"failed"}}`;
    const control = `{"type":"control","control":{"control_type":"source_config","source_config":{}}}`;
    expect(feed(lines, `${log}\n${failed}\n${control}\n`, [7])).toBe('');
    expect(messages.map(({ type }) => type)).toEqual(['log', 'connection_status', 'control']);
  });

  it('of an unknown stream are dropped and reported once', () => {
    const { lines, unknown } = collector();
    const strange = [
      record('c', {}),
      checkpoint.replace('"a"', '"c"'),
      status.replace('"b"', '"c"'),
      record('d', {}),
      '',
    ];
    expect(feed(lines, strange.join('\n'), [50])).toBe('');
    expect(unknown).toEqual(['c', 'd']);
    expect(lines.takeCounts().size).toBe(0);
  });

  it('that are no messages are warned of with number and beginning, and a hundred are passed over', () => {
    const { lines, logs } = collector();
    feed(lines, `${record('a', {})}\nrubbish\n`, [9]);
    expect(logs).toHaveLength(1);
    expect(logs[0]).toMatchObject({ level: 'warn', message: expect.stringContaining('line 2') });
    expect(logs[0]!.message).toContain('rubbish');
    feed(lines, 'rubbish\n'.repeat(99), [1000]);
    expect(lines.refusal).toBeUndefined();
    expect(lines.push(Buffer.from('rubbish\n'))).toEqual([]);
    expect(lines.refusal?.message).toMatch(/source\/test wrote 101 lines/);
  });

  it('of kinds that only others may write are invalid', () => {
    const { lines, logs } = collector();
    feed(lines, `{"type":"catalog","catalog":{"streams":[]}}\n`, [1000]);
    expect(logs[0]!.message).toContain('a source does not write catalog messages here');
  });

  it('of an unknown type are only worth a debug line', () => {
    const { lines, logs } = collector();
    feed(lines, `{"type":"unheard_of"}\n`, [1000]);
    expect(logs).toMatchObject([{ level: 'debug' }]);
  });

  it('without a newline at the end count after success and are dropped, and said, after failure', () => {
    const good = collector();
    feed(good.lines, checkpoint, [10]);
    expect(Buffer.concat(good.lines.end(true)).toString()).toBe(`${checkpoint}\n`);
    const bad = collector();
    feed(bad.lines, checkpoint, [10]);
    expect(bad.lines.end(false)).toEqual([]);
    expect(bad.logs[0]!.message).toContain('in the middle of line 1');
  });

  it('over the limit end the run before they are complete, naming their stream', () => {
    const lines = new SourceLines(
      'source/test',
      new Set(['a']),
      { onMessage() {}, onLog() {}, onUnknownStream() {} },
      1000,
    );
    lines.push(Buffer.from(record('a', { text: 'x'.repeat(2000) }).slice(0, 900)));
    expect(lines.refusal).toBeUndefined();
    lines.push(Buffer.from('x'.repeat(200)));
    expect(lines.refusal?.message).toMatch(/stream "a"/);
  });

  it('are passed on up to the bad one and never after it, whatever the chunks are and however it is bad (P1)', () => {
    const line = fc.constantFrom(...passed.map((text) => [text, true] as const), [log, false] as const);
    const lineAndEnding = fc.tuple(line, fc.constantFrom('\n', '\r\n'));
    const badLine = fc.constantFrom(
      'rubbish',
      'x'.repeat(501),
      record('a', { text: 'x'.repeat(600) }),
      record('e', {}),
    );
    fc.assert(
      fc.property(
        fc.array(lineAndEnding, { maxLength: 12 }),
        badLine,
        fc.array(lineAndEnding, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        (before, bad, after, sizes, hasNewline) => {
          const handler = {
            onMessage() {},
            onLog() {},
            onUnknownStream(stream: string) {
              throw new Error(stream);
            },
          };
          const lines = new SourceLines('source/test', new Set(['a', 'b']), handler, 500);
          lines.push(Buffer.from('rubbish\n'.repeat(100)));
          const textOf = (all: typeof before) => all.map(([[text], newline]) => text + newline).join('');
          const input = `${textOf(before)}${bad}\n${textOf(after)}${checkpoint}${hasNewline ? '\n' : ''}`;
          const out = feed(lines, input, sizes) + Buffer.concat(lines.end(true)).toString();
          expect(lines.refusal).toBeDefined();
          expect(out).toBe(textOf(before.filter(([[, passes]]) => passes)));
        },
      ),
    );
  });

  it('are not looked at any more after a bad one, at the end either', () => {
    const { lines, messages, logs, unknown } = collector();
    lines.push(Buffer.from('rubbish\n'.repeat(101)));
    logs.length = 0;
    lines.push(Buffer.from(`${log}\n${record('c', {})}\nrubbish\n{"type":`));
    expect([lines.end(false), messages, logs, unknown]).toEqual([[], [], [], []]);
  });

  it('end the run when the last one is bad and has no newline', () => {
    const { lines } = collector();
    lines.push(Buffer.from(`${'rubbish\n'.repeat(100)}rubbish`));
    expect(lines.refusal).toBeUndefined();
    expect(lines.end(true)).toEqual([]);
    expect(lines.refusal?.code).toBe('protocol_violated');
  });
});
