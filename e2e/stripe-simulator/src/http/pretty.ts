import { type TextWriter, textOf, utf8 } from '../text-writer.ts';

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [braceOpen, braceClose, bracketOpen, bracketClose] = [0x7b, 0x7d, 0x5b, 0x5d];
const endOfLine = utf8('\n');
const space = utf8(' ');
/** A line break and the indentation after it, by depth. */
const breaks: Uint8Array[] = [endOfLine];

/**
 * Writes JSON text, given as UTF-8, indented by two spaces, as Stripe's API answers. Works on the text, so that numbers stay as
 * they are written (`1.0`).
 */
export function writeIndented(json: Uint8Array, out: TextWriter): void {
  let depth = 0;
  let from = 0;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === quote) {
      i = endOfString(json, i);
    } else if (byte === braceOpen || byte === bracketOpen) {
      const next = json[i + 1];
      if (next === braceClose || next === bracketClose) {
        i++;
        continue;
      }
      out.bytes(json, from, i + 1);
      out.bytes(breakAt(++depth));
      from = i + 1;
    } else if (byte === braceClose || byte === bracketClose) {
      out.bytes(json, from, i);
      out.bytes(breakAt(--depth));
      from = i;
    } else if (byte === comma) {
      out.bytes(json, from, i + 1);
      out.bytes(breakAt(depth));
      from = i + 1;
    } else if (byte === colon) {
      out.bytes(json, from, i + 1);
      out.bytes(space);
      from = i + 1;
    }
  }
  out.bytes(json, from);
  out.bytes(endOfLine);
}

/** JSON text, indented as {@link writeIndented} does. */
export function indentJson(text: string): string {
  return textOf((out) => writeIndented(utf8(text), out));
}

/** Index of the quote that ends the string which begins at `start`. */
function endOfString(json: Uint8Array, start: number): number {
  let end = start + 1;
  while (end < json.length && json[end] !== quote) end += json[end] === backslash ? 2 : 1;
  return end;
}

function breakAt(depth: number): Uint8Array {
  const found = breaks[depth];
  if (found) return found;
  const made = utf8(`\n${'  '.repeat(depth)}`);
  breaks[depth] = made;
  return made;
}
