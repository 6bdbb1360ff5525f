import { type DestinationMessage, LINE_BYTES_MAX, type LogPayload } from '@penstock/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DestinationLines } from './destination-lines.ts';

const checkpoint = '{"type":"source_state","source_state":{"state_type":"stream","stream":"a","data":{"cursor":"x"}}}';
const reordered = '{ "stream_status" : {"status":"complete","stream":"a"}, "type":"stream_status" }';
const result = '{"type":"write_result","write_result":{"stream":"a","created":1,"updated":0,"deleted":0,"skipped":0}}';
const record = '{"type":"record","record":{"stream":"a","emitted_at":"2026-01-01T00:00:00Z","data":{"id":"1"}}}';

function collector() {
  const messages: DestinationMessage[] = [];
  const logs: LogPayload[] = [];
  const lines = new DestinationLines('destination/test', {
    onMessage: (message) => messages.push(message),
    onLog: (log) => logs.push(log),
  });
  const push = (text: string): void => lines.push(Buffer.from(text));
  return { lines, messages, logs, push };
}

describe('lines of a destination', () => {
  it('are the same messages whatever the chunks are, with CR, blank lines, spaces and any order of fields', () => {
    const text = Buffer.from(`${checkpoint}\r\n\n  \n${reordered}\n${result}\n`);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (sizes) => {
        const { lines, messages, logs } = collector();
        for (let at = 0, i = 0; at < text.length; i++) {
          lines.push(text.subarray(at, at + sizes[i % sizes.length]!));
          at += sizes[i % sizes.length]!;
        }
        lines.end(true);
        expect(messages.map((message) => message.type)).toEqual(['source_state', 'stream_status', 'write_result']);
        expect(logs).toEqual([]);
      }),
    );
  });

  it('of an unknown type are passed over, said at debug level', () => {
    const { messages, logs, push } = collector();
    push(`{"type":"unheard_of"}\n${checkpoint}\n`);
    expect(messages).toHaveLength(1);
    expect(logs).toMatchObject([{ level: 'debug', message: expect.stringContaining('line 1') }]);
  });

  it('that are no messages are warnings with their number, and the end when there are more than 100', () => {
    const { logs, push } = collector();
    push(`${checkpoint}\n${'rubbish\n'.repeat(100)}`);
    expect(logs).toHaveLength(100);
    expect(logs[0]).toMatchObject({ level: 'warn', message: expect.stringContaining('line 2') });
    expect(() => push('rubbish\n')).toThrow(expect.objectContaining({ code: 'protocol_violated', exitCode: 40 }));
  });

  it.each([
    ['catalog', '{"type":"catalog","catalog":{"streams":[]}}'],
    ['source_input', '{"type":"source_input","source_input":1}'],
  ])('of the kind %s, which only others may write, count as invalid', (kind, line) => {
    const { messages, logs, push } = collector();
    push(`${line}\n`);
    expect(messages).toEqual([]);
    expect(logs).toMatchObject([{ level: 'warn', message: expect.stringContaining(kind) }]);
  });

  it('must not be records', () => {
    const { push } = collector();
    expect(() => push(`${record}\n`)).toThrow(expect.objectContaining({ code: 'protocol_violated' }));
  });

  it('are believed up to a bad one and never after it, whatever the chunks are (P1)', () => {
    const text = Buffer.from(`${checkpoint}\n${result}\n${record}\n${checkpoint}\n${result}\n${checkpoint}`);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes) => {
        const { lines, messages } = collector();
        let errors = 0;
        for (let at = 0, i = 0; at < text.length; i++) {
          const size = sizes[i % sizes.length]!;
          try {
            lines.push(text.subarray(at, at + size));
          } catch {
            errors += 1;
          }
          at += size;
        }
        lines.end(true);
        expect(errors).toBeGreaterThan(0);
        expect(messages.map((message) => message.type)).toEqual(['source_state', 'write_result']);
      }),
    );
  });

  it('over the limit end the run', () => {
    const { lines } = collector();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const pushAll = (): void => {
      for (let bytes = 0; bytes <= LINE_BYTES_MAX; bytes += chunk.length) lines.push(chunk);
    };
    expect(pushAll).toThrow(expect.objectContaining({ code: 'line_too_long', exitCode: 40 }));
  });

  it.each([
    ['counts when the destination ended well', true, 1, []],
    ['is dropped, and said, when it failed', false, 0, [{ level: 'warn', message: expect.stringContaining('middle') }]],
  ])('without a newline at the end: it %s', (_, succeeded, count, said) => {
    const { lines, messages, logs, push } = collector();
    push(checkpoint);
    lines.end(succeeded);
    expect(messages).toHaveLength(count);
    expect(logs).toMatchObject(said);
  });
});
