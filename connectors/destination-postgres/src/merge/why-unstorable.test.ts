import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { whyUnstorable } from './why-unstorable.ts';

const why = (json: string) => whyUnstorable(Buffer.from(json));

describe('what Postgres refuses', () => {
  it.each([
    ['{"a":"\\u0000"}', /\\u0000/],
    ['{"a\\u0000":1}', /\\u0000/],
    ['{"a":"\\\\\\u0000"}', /\\u0000/],
    ['{"a":"\\ud800"}', /surrogate/],
    ['{"a":"\\uDBFFx"}', /surrogate/],
    ['{"a":"\\udc00"}', /surrogate/],
    ['{"a":"\\udc00\\ud800"}', /surrogate/],
    ['{"a":"\\ud800\\n\\udc00"}', /surrogate/],
    ['{"a":"\\ud800\\ud800\\udc00"}', /surrogate/],
    ['{"a":1e131072}', /number/],
    ['{"a":-12E+131071}', /number/],
    ['{"a":0.001e131075}', /number/],
    [`{"a":${'9'.repeat(131_073)}}`, /number/],
    ['{"a":}', /not JSON/],
    ['', /not JSON/],
  ])('%s is told', (json, reason) => {
    expect(why(json)).toMatch(reason);
  });

  it('in bytes that are no UTF-8 is told', () => {
    expect(whyUnstorable(Buffer.from('{"a":"\xe9"}', 'latin1'))).toMatch(/UTF-8/);
  });
});

describe('what Postgres takes', () => {
  it.each([
    '{"a":"C:\\\\u0000 and \\\\ud800"}',
    '{"a":"\\ud834\\udd1e","b":"\\"\\\\"}',
    '{"1e999999":"1e999999"}',
    '{"a":1e131071,"b":-0.0e5,"c":12.5e-3,"d":0e200000}',
    `{"a":${'9'.repeat(131_072)}}`,
    '{"a":"é 😀"}',
    `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ])('%s is not called bad', (json) => {
    expect(why(json)).toBeUndefined();
  });

  it('is never called bad, whatever it is', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    const value = fc.jsonValue({ noUnicodeString: false }).filter((json) => {
      const written = JSON.stringify(json);
      return !/\\u0000|\\ud[89a-f]/i.test(written.replaceAll('\\\\', ''));
    });
    fc.assert(fc.property(fc.record({ text, value }), (json) => why(JSON.stringify(json)) === undefined));
  });
});
