import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageKinds } from './message.ts';
import { message } from './message-factory.ts';
import { encodeMessage, parseLine, parseMessage } from './parse-line.ts';

function reasonOf(line: string): string {
  const parsed = parseLine(line);
  if (parsed.kind !== 'invalid') throw new Error(`${line} is ${parsed.kind}`);
  return parsed.reason;
}

describe('parseLine', () => {
  test('never throws, whatever the bytes', () => {
    const kinds = ['message', 'blank', 'unknown_type', 'invalid'];
    fc.assert(fc.property(fc.uint8Array(), (bytes) => kinds.includes(parseLine(Buffer.from(bytes)).kind)));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => kinds.includes(parseLine(text).kind)));
  });

  test('never throws, whatever the payload', () => {
    const payload = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true });
    fc.assert(
      fc.property(fc.constantFrom(...messageKinds), payload, (kind, value) => {
        expect(['message', 'invalid']).toContain(parseMessage({ type: kind, [kind]: value }).kind);
      }),
    );
  });

  test('gives back what encodeMessage wrote', () => {
    const log = fc.record(
      {
        level: fc.constantFrom('debug' as const, 'info' as const, 'warn' as const, 'error' as const),
        message: fc.string({ unit: 'grapheme' }),
        stream: fc.string(),
        data: fc.dictionary(
          fc.string(),
          fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
        ),
      },
      { requiredKeys: ['level', 'message'] },
    );
    fc.assert(
      fc.property(log, (payload) => {
        const line = encodeMessage(message.log(payload));
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(parseLine(Buffer.from(line))).toEqual({ kind: 'message', message: JSON.parse(line) });
      }),
    );
  });

  test('keeps a key named __proto__ in what it does not look into', () => {
    const line =
      '{"type":"source_state","source_state":{"state_type":"global","data":{"__proto__":1},"streams":{"__proto__":2}}}';
    const parsed = parseLine(line);
    expect(parsed.kind === 'message' && JSON.stringify(parsed.message)).toBe(line);
  });

  test('fills in the state type that may be left out, and leaves out fields that it does not know', () => {
    expect(parseLine('{"type":"source_state","source_state":{"stream":"a","data":1,"x":2},"y":3}')).toEqual({
      kind: 'message',
      message: { type: 'source_state', source_state: { state_type: 'stream', stream: 'a', data: 1 } },
    });
  });

  test('says where and what was expected', () => {
    expect(reasonOf('{"type":"log","log":{"level":"loud","message":1}}')).toMatch(
      /^log\.level: .*debug.*; log\.message: .*string/,
    );
    expect(reasonOf('{"type":"stream_status","stream_status":{"stream":"a","status":"error"}}')).toMatch(
      /^stream_status\.error: /,
    );
    expect(reasonOf('{"type":"record","record":{"stream":"a","emitted_at":"now","data":{}}}')).toContain(
      'a time in UTC like',
    );
    expect(reasonOf('nope')).toMatch(/^not JSON: /);
    expect(reasonOf('7')).toBe('a message is a JSON object');
    expect(reasonOf('{}')).toBe('type: expected a string that names the kind');
  });

  test('names three things that are wrong and counts the others', () => {
    expect(reasonOf('{"type":"write_result","write_result":{}}')).toMatch(/^[^;]+; [^;]+; [^;]+; and 2 more$/);
  });
});

describe('message factories', () => {
  test('put the kind first, and stream, emitted_at and data of a record in the canonical order', () => {
    const line = encodeMessage(message.record({ data: { id: 1 }, emitted_at: '2026-01-31T12:00:00Z', stream: 'a' }));
    expect(line).toBe(
      '{"type":"record","record":{"stream":"a","emitted_at":"2026-01-31T12:00:00Z","data":{"id":1}}}\n',
    );
  });

  test.each([
    message.sourceState({ state_type: 'stream', stream: 'a', data: null }),
    message.streamStatus({ stream: 'a', status: 'complete' }),
    message.writeResult({ stream: 'a', created: 1, updated: 2, deleted: 3, skipped: 4 }),
    message.log({ level: 'info', message: 'x' }),
    message.spec({ config: {}, protocol_version: 1 }),
    message.connectionStatus({ status: 'succeeded' }),
    message.catalog({ streams: [] }),
    message.control({ control_type: 'source_config', source_config: {} }),
  ])('build a valid $type with the kind first', (built) => {
    const line = encodeMessage(built);
    expect(line.startsWith(`{"type":"${built.type}","${built.type}":`)).toBe(true);
    expect(parseLine(line.trimEnd())).toEqual({ kind: 'message', message: built });
  });
});
