import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goodLines } from './golden-line.ts';
import { messageKinds } from './message.ts';
import { message } from './message-factory.ts';
import { encodeMessage } from './parse-line.ts';
import { parseRecordLine, RECORD_LINE_TAIL, RecordPeek, recordDataStart, recordLineHead } from './record-line.ts';

/** What a reader that does not parse makes of a line: its stream and the slice that is its payload. */
function peek(line: Buffer, records = new RecordPeek(), start = 0, end = line.length) {
  const stream = records.stream(line, start, end);
  if (stream === undefined) return undefined;
  const at = recordDataStart(line, start, end, Buffer.byteLength(stream));
  return at === -1 ? { stream } : { stream, data: line.toString('utf8', at, end - 2) };
}

const name = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text.isWellFormed()),
  fc.constantFrom('a', 'ab', 'a"b', 'a\\', '\\"', 'a\nb', '","emitted_at":"', '__proto__', '🦈'),
);
const data = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }));
const emittedAt = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const record = fc.record({ stream: name, emitted_at: emittedAt, data });

describe('RecordPeek and recordDataStart', () => {
  test('tell stream and payload of our own records as a parser would, and leave the rest to it', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), (all) => {
        // One for all lines: what it remembers of a line may not be taken for the next one's.
        const records = new RecordPeek();
        for (const payload of all) {
          const line = Buffer.from(encodeMessage(message.record(payload)).slice(0, -1));
          const seen = peek(line, records);
          const escaped = JSON.stringify(payload.stream).length !== payload.stream.length + 2;
          if (escaped) expect(seen).toBeUndefined();
          else expect(seen).toEqual({ stream: payload.stream, data: JSON.stringify(payload.data) });
        }
      }),
    );
  });

  test('find a line that lies in the middle of a chunk, and never look beyond it', () => {
    fc.assert(
      fc.property(record, fc.string(), fc.string(), (payload, before, after) => {
        fc.pre(JSON.stringify(payload.stream) === `"${payload.stream}"`);
        const line = encodeMessage(message.record(payload)).trimEnd();
        const chunk = Buffer.from(`${before}\n${line}\n${after}`);
        const start = Buffer.byteLength(before) + 1;
        const end = start + Buffer.byteLength(line);
        expect(peek(chunk, new RecordPeek(), start, end)?.stream).toBe(payload.stream);
        const records = new RecordPeek();
        records.stream(chunk, start, end);
        for (const cutBytes of [1, 2, 3, 10])
          expect(peek(chunk, records, start, end - cutBytes)?.data).not.toBe(JSON.stringify(payload.data));
      }),
    );
  });

  test('claim no line of another kind', () => {
    for (const kind of messageKinds) {
      if (kind === 'record') continue;
      for (const line of goodLines(kind))
        expect(new RecordPeek().stream(Buffer.from(line), 0, Buffer.byteLength(line))).toBeUndefined();
    }
  });

  test('claim nothing that a parser would give another stream, in arbitrary objects', () => {
    const key = fc.constantFrom('type', 'record', 'stream', 'emitted_at', 'data', 'log', 'x');
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.constantFrom('record', 'a', '2026-01-31T12:00:00Z', '}}}', 1),
        fc.dictionary(key, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(tree, (value) => {
        const line = Buffer.from(JSON.stringify(value));
        const stream = new RecordPeek().stream(line, 0, line.length);
        if (stream !== undefined) expect(value).toMatchObject({ type: 'record', record: { stream } });
      }),
    );
  });

  test('leave every spelling but the canonical one to the parser', () => {
    const canonical = '{"type":"record","record":{"stream":"a","emitted_at":"2026-01-31T12:00:00Z","data":{"id":1}}}';
    expect(peek(Buffer.from(canonical))).toEqual({ stream: 'a', data: '{"id":1}' });
    for (const other of [
      `${canonical} `,
      ` ${canonical}`,
      canonical.replace('"record":{', '"record": {'),
      canonical.replace('"stream":"a"', '"stream":""'),
      canonical.replace('"stream":"a"', '"stream":"\\u0061"'),
      canonical.replace('"stream":"a"', '"stream":"a\tb"'),
      canonical.replace('}}}', '}},"_ts":"2026-01-31T12:00:00Z"}'),
      '{"record":{"data":{"id":1},"emitted_at":"2026-01-31T12:00:00Z","stream":"a"},"type":"record"}',
      '{"type":"record"}}}',
      '}}}',
      '',
    ]) {
      expect(peek(Buffer.from(other)), other).toBeUndefined();
    }
    for (const other of [
      canonical.replace('"data":{"id":1}', '"data":[{"id":{}}'),
      canonical.replace('"emitted_at":"2026-01-31T12:00:00Z","data"', '"emitted_at":"2026-01-31T12:00:00Z", "data"'),
      canonical.replace('2026-01-31T12:00:00Z', '2'.repeat(41)),
    ]) {
      expect(peek(Buffer.from(other)), other).toEqual({ stream: 'a' });
    }
  });

  test('a record built from its head, raw data and the tail is read back byte for byte', () => {
    fc.assert(
      fc.property(name, emittedAt, data, (stream, at, value) => {
        const raw = JSON.stringify(value);
        const line = recordLineHead(stream, at) + raw + RECORD_LINE_TAIL;
        expect(line).toBe(encodeMessage(message.record({ stream, emitted_at: at, data: value })));
        expect(parseRecordLine(line)).toEqual({ stream, emitted_at: at, data: JSON.stringify(JSON.parse(raw)) });
      }),
    );
  });
});

describe('parseRecordLine', () => {
  const lineOf = (json: string) =>
    ` {"record" : {"data":${json}, "stream":"a", "emitted_at":"2026-01-31T12:00:00Z"}, "type":"record"}\r`;

  test('keeps every digit of any number', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,40})(\.\d{1,40})?([eE][+-]?\d{1,4})?$/);
    fc.assert(
      fc.property(digits, (number) => {
        expect(parseRecordLine(lineOf(`{"n":${number},"l":[${number}]}`))?.data).toBe(
          `{"n":${number},"l":[${number}]}`,
        );
      }),
    );
  });

  test.each([
    ['64-bit integers', '{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615}'],
    ['long decimals', '{"a":0.1234567890123456789012345678901234567890,"b":100.10,"c":1.0}'],
    ['what a double rounds to zero or infinity', '{"a":1E-400,"b":1e400,"c":-0}'],
    ['a key named __proto__ at any depth', '{"__proto__":{"__proto__":1},"x":[{"__proto__":2}]}'],
    ['keys that objects have by themselves', '{"constructor":1,"toString":2,"toJSON":3,"":4,"rawJSON":"5"}'],
    ['lone surrogates and NUL', '{"a":"\\ud800","b":"x\\udc00y","c":"\\u0000"}'],
    ['keys that are alike', '{"a":1,"A":2,"a ":3,"\u00e9":4,"e\u0301":5}'],
  ])('keeps %s', (_what, json) => {
    expect(parseRecordLine(lineOf(json))?.data).toBe(json);
    expect(parseRecordLine(Buffer.from(lineOf(json)))?.data).toBe(json);
  });

  test('lets the last of two equal keys count, as Postgres does', () => {
    expect(parseRecordLine(lineOf('{"a":1,"b":2,"a":3}'))?.data).toBe('{"a":3,"b":2}');
  });

  test.each([
    ['data that is a large number', lineOf('12345678901234567890')],
    ['data that is a list', lineOf('[]')],
    ['data that is null', lineOf('null')],
    [
      'a stream that is a large number',
      '{"type":"record","record":{"stream":12345678901234567890,"emitted_at":"2026-01-31T12:00:00Z","data":{}}}',
    ],
    ['another kind', '{"type":"log","log":{"level":"info","message":"x"}}'],
    ['no JSON', '{"type":"record"'],
    ['Latin-1', Buffer.from(lineOf('{"a":"é"}'), 'latin1')],
    ['a nesting that no stack holds', lineOf(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
  ])('refuses %s', (_what, line) => {
    expect(parseRecordLine(line)).toBeUndefined();
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseRecordLine(Buffer.from(bytes))));
    fc.assert(fc.property(fc.json(), (json) => void parseRecordLine(lineOf(json))));
  });
});
