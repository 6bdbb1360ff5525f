import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextWriter, textOf, utf8 } from './text-writer.ts';

/** Whole characters of all kinds, and texts longer than what a writer begins with. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
  fc.nat(9000).map((length) => 'é'.repeat(length)),
);
const anyNumber = fc.oneof(fc.nat(0xffff_ffff), fc.maxSafeInteger(), fc.double());
const written = fc.oneof(
  anyText.map((text) => ({ text, write: (out: TextWriter) => out.text(text) })),
  anyText.map((text) => ({ text, write: (out: TextWriter) => out.bytes(utf8(text)) })),
  anyText.map((text) => ({ text: `"${text}"`, write: (out: TextWriter) => out.quoted(text) })),
  anyNumber.map((number) => ({ text: String(number), write: (out: TextWriter) => out.number(number) })),
);

describe('a text writer', () => {
  it('gives the bytes of all that was written since it was cleared, one after the other', () => {
    const out = new TextWriter();
    fc.assert(
      fc.property(fc.array(written), (parts) => {
        out.clear();
        for (const { write } of parts) write(out);
        const text = parts.map((part) => part.text).join('');
        expect(out.toString()).toBe(text);
        expect(out.written).toEqual(Buffer.from(text));
        expect(out.length).toBe(Buffer.byteLength(text));
      }),
    );
  });

  it('copies a part of some bytes', () => {
    const source = utf8('0123456789'.repeat(10));
    const out = new TextWriter();
    out.bytes(source, 8, 12);
    out.bytes(source, 50);
    expect(out.toString()).toBe(`8901${'0123456789'.repeat(5)}`);
  });

  it.each([0, 9, 10, 4_294_967_295, 4_294_967_296, -1, 1.5, 1e21])('writes %d as JSON does', (number) => {
    expect(textOf((out) => out.number(number))).toBe(JSON.stringify(number));
  });

  it('puts a replacement character in the place of half a pair, as Node does', () => {
    expect(textOf((out) => out.text('a\ud83d'))).toBe('a\ufffd');
  });

  it('of a text inside another one is not the same', () => {
    const text = textOf((out) => {
      out.text('<');
      out.text(textOf((inner) => inner.text('inner')));
      out.text('>');
    });
    expect(text).toBe('<inner>');
  });
});
