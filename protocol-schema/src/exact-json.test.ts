import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExactNumber, mayBeInexact, parseExactly } from './exact-json.ts';
import { encodeMessage, parseLine } from './parse-line.ts';

const numbers = [
  '9007199254740993',
  '-18446744073709551616',
  '0.1000000000000000055511151231257827',
  '1.0',
  '1.50',
  '1e3',
  '1E400',
  '-0',
];

describe('parsing exactly', () => {
  it.each(numbers)('keeps %s as it is written', (number) => {
    const text = `{"a":[${number}],"b":1}`;
    expect(JSON.stringify(parseExactly(text))).toBe(text);
  });

  it.each(numbers)('finds %s wherever it may stand', (number) => {
    for (const text of [number, `[${number}]`, `[1, ${number}]`, `{"a": ${number}}`, `{"a":\n${number}}`])
      expect({ text, found: mayBeInexact(text) }).toEqual({ text, found: true });
  });

  it.each([
    '{"gte":"2026-01-31T12:00:00.123Z","ids":["cus_1e5","x-0"],"count":9007199254740,"rest":[-12,0]}',
    '["1.5"]',
    '[{"-0":1}]',
  ])('takes the quick way for %s', (text) => expect(mayBeInexact(text)).toBe(false));

  it('makes plain numbers of all that a double writes the same', () => {
    const value = parseExactly('{"a":1,"b":-2.5,"c":9007199254740991,"d":1e+21,"e":"9007199254740993"}');
    expect(value).toEqual({ a: 1, b: -2.5, c: 9007199254740991, d: 1e21, e: '9007199254740993' });
    expect(isExactNumber((parseExactly('[1.0]') as unknown[])[0])).toBe(true);
  });

  it('gives what JSON.parse gives for any value that JSON.stringify wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parseExactly(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it('refuses what is no JSON', () => {
    expect(() => parseExactly('{"a":1.0')).toThrow(SyntaxError);
  });
});

describe('a checkpoint', () => {
  it.each(numbers)('comes out with %s as it came in', (number) => {
    const lines = [
      `{"type":"source_state","source_state":{"state_type":"stream","stream":"a","data":{"cursor":${number}},"record_count":3}}`,
      `{"type":"source_state","source_state":{"state_type":"stream","stream":"a","data":${number}}}`,
      `{"type":"source_state","source_state":{"state_type":"global","data":{"at":${number}},"streams":{"a":[${number}]},"record_count":3}}`,
    ];
    for (const line of lines) {
      const parsed = parseLine(line);
      expect(parsed.kind).toBe('message');
      if (parsed.kind === 'message') expect(encodeMessage(parsed.message)).toBe(`${line}\n`);
    }
  });

  it('has its own numbers as numbers, however they are written', () => {
    const line =
      '{"type":"source_state","source_state":{"state_type":"stream","stream":"a","data":1,"record_count":3.0}}';
    const parsed = parseLine(line);
    expect(parsed).toMatchObject({ message: { source_state: { record_count: 3 } } });
  });
});
