import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKey, joinLines, skipValue } from './scan-json.ts';

const isKeyOf = (text: string, name: string): boolean => {
  const bytes = Buffer.from(`{${text}:1}`);
  return isKey(bytes, 1, bytes.length - 3, Buffer.from(name));
};

describe('isKey', () => {
  it('knows a name in every way of writing it, and no other name', () => {
    const name = fc.constantFrom('id', 'ïd', '_as_of', '"', '\\', '');
    fc.assert(
      fc.property(name, name, (written, asked) => {
        const escaped = [...written].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
        expect(isKeyOf(JSON.stringify(written), asked)).toBe(written === asked);
        expect(isKeyOf(`"${escaped}"`, asked)).toBe(written === asked);
      }),
    );
  });
});

/** Any JSON text: with escapes where they need not be, with white space wherever it may stand. */
const json: fc.Arbitrary<string> = fc
  .tuple(
    fc.jsonValue({ stringUnit: 'binary' }),
    fc.infiniteStream(fc.constantFrom('', '', ' ', '\n  ', '\r\n', '\t')),
    fc.nat(9),
  )
  .map(([value, space, everyNth]) => {
    const tokens = JSON.stringify(value).match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^"{}[\]:,]+/g) ?? [];
    const escaped = (text: string): string =>
      text.replace(/[a-z]/g, (c, i: number) =>
        i % 10 === everyNth && text[i - 1] !== '\\' && !/\\u[^\\]{0,3}$/.test(text.slice(0, i))
          ? `\\u00${c.charCodeAt(0).toString(16)}`
          : c,
      );
    return tokens
      .map((token) => space.next().value + (token.startsWith('"') ? escaped(token) : token) + space.next().value)
      .join('');
  });

/** As JSON texts are made of tokens, by the letter. */
function withoutSpace(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string?: string) => string ?? '');
}

describe('joinLines', () => {
  it('takes white space out of any JSON, and leaves every other byte', () => {
    fc.assert(
      fc.property(json, (text) => {
        const bytes = Buffer.from(text);
        const room = Buffer.alloc(bytes.length, 0xff);
        expect(joinLines(bytes, room).toString()).toBe(withoutSpace(text));
      }),
      { numRuns: 1000 },
    );
  });

  it('ends with any text that is cut off, in no more room than the text has', () => {
    const bytes = Buffer.from('{\n "a\\\\": "\\""\n}');
    for (let length = 0; length <= bytes.length; length++) {
      const room = Buffer.alloc(length + 1);
      const joined = joinLines(bytes.subarray(0, length), room.subarray(0, length));
      expect(joined.length).toBeLessThanOrEqual(length);
      expect(room[length]).toBe(0);
    }
  });
});

describe('skipValue', () => {
  it('finds the end of any value, whatever follows', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(',', '}', ']', ' ', '\n'), (text, after) => {
        const value = text.trim();
        const bytes = Buffer.from(`${value}${after}"x"`);
        expect(skipValue(bytes, 0)).toBe(Buffer.byteLength(value));
      }),
      { numRuns: 1000 },
    );
  });
});
