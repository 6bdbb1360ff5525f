import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indentJson } from './pretty.ts';

describe('indentJson', () => {
  it('writes any JSON as JSON.stringify with two spaces does', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text);
        expect(indentJson(JSON.stringify(value))).toBe(`${JSON.stringify(value, null, 2)}\n`);
      }),
    );
  });

  it('takes nothing inside a string for structure, whatever its characters', () => {
    const value = { '{"é😀\\': ['\\"', 'ключ: [,]', {}, [], '\ud83d'], ü: { '': '\\\\' } };
    expect(indentJson(JSON.stringify(value))).toBe(`${JSON.stringify(value, null, 2)}\n`);
  });

  it('leaves numbers as they are written', () => {
    expect(indentJson('{"rate":19.0}')).toBe('{\n  "rate": 19.0\n}\n');
  });
});
