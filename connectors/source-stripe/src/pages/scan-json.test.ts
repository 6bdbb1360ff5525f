import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKey } from './scan-json.ts';

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
