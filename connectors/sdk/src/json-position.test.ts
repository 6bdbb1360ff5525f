import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findJsonError } from './json-position.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the position of a JSON error', () => {
  test('no error is found in any JSON, and one is found in whatever is not', () => {
    const cuts = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', '"', 'x', '\n'));
    fc.assert(
      fc.property(cuts, ([json, at, put]) => {
        expect(findJsonError(json)).toBeUndefined();
        const cut = at % (json.length + 1);
        const broken = json.slice(0, cut) + put + json.slice(cut + 1);
        expect(findJsonError(broken) === undefined).toBe(isJson(broken));
      }),
    );
  });

  test.each([
    ['{"a": 1,\n  "b" 2}', 2, 7, '":"'],
    ['{"a": 1', 1, 8, '"," or "}"'],
    ["{'a': 1}", 1, 2, 'a key in double quotes'],
    ['', 1, 1, 'a value'],
    ['{"a": "x\n"}', 1, 7, 'a string with its closing quote'],
    ['{} x', 1, 4, 'the end of the file'],
    ['[1,]', 1, 4, 'a value'],
  ])('%j stops being JSON at line %i, column %i, where %s is expected', (text, line, column, expected) => {
    expect(findJsonError(text)).toEqual({ line, column, expected });
  });
});
