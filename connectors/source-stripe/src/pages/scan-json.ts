/**
 * Finds where values begin and end in JSON text, without making anything of them: an object's bytes go on as they are
 * (P9), and only a few fields are looked at. Structure is checked as far as it is walked; numbers and words are not.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;
const BRACE_BIT = OPEN_BRACE ^ OPEN_BRACKET;

/** The text is not JSON. */
export class JsonScanError extends Error {
  override readonly name = 'JsonScanError';

  /** @param at offset in bytes */
  constructor(expected: string, at: number) {
    super(`expected ${expected} at byte ${at}`);
  }
}

/** The offset of the first byte at or after `at` that is no white space. */
export function skipSpace(bytes: Buffer, at: number): number {
  let i = at;
  for (;;) {
    const byte = bytes[i] as number;
    if (byte > SPACE || (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return i;
    i++;
  }
}

/** The offset after the text that begins at `at` with its quote. */
export function skipString(bytes: Buffer, at: number): number {
  const end = bytes.length;
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i++;
  }
  throw new JsonScanError('the end of a text', end);
}

/** The offset after the value that begins at `at`. */
export function skipValue(bytes: Buffer, at: number): number {
  const end = bytes.length;
  const first = bytes[at];
  if (first === QUOTE) return skipString(bytes, at);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) {
    let depth = 0;
    for (let i = at; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === QUOTE) {
        // As in skipString; a call for each of the many short texts costs a third of the speed.
        for (i++; i < end; i++) {
          const inner = bytes[i];
          if (inner === QUOTE) break;
          if (inner === BACKSLASH) i++;
        }
      } else if (byte >= OPEN_BRACKET) {
        // A bracket and a brace differ in one bit.
        const brace = byte | BRACE_BIT;
        if (brace === OPEN_BRACE) depth++;
        else if (brace === CLOSE_BRACE && --depth === 0) return i + 1;
      }
    }
    throw new JsonScanError('the end of an object or array', end);
  }
  for (let i = at; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte <= SPACE || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      if (i === at) break;
      return i;
    }
  }
  throw new JsonScanError('a value', at);
}

/**
 * Whether the key at these offsets, quotes included, is this name, however it is escaped.
 *
 * @throws SyntaxError for a key with a backslash that is no JSON text
 */
export function isKey(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start - 2 === name.length) {
    for (let i = 0; i < name.length; i++) if (bytes[start + 1 + i] !== name[i]) return false;
    return true;
  }
  for (let i = start; i < end; i++) {
    if (bytes[i] === BACKSLASH) return JSON.parse(bytes.toString('utf8', start, end)) === name.toString();
  }
  return false;
}

/**
 * Called for each member of an object with the offsets of its key (quotes included) and of its value. Returns the offset
 * after the value, which it finds by `skipValue` or by walking into it: so every byte is looked at once.
 */
export type OnMember = (keyStart: number, keyEnd: number, valueStart: number) => number;

/**
 * The offset of the first key of the object that begins at `at`, or of the brace that closes it where it has none. With
 * {@link skipKey} and {@link nextKey}, to walk an object without a call for each member.
 */
export function firstKey(bytes: Buffer, at: number): number {
  if (bytes[at] !== OPEN_BRACE) throw new JsonScanError('an object', at);
  const key = skipSpace(bytes, at + 1);
  if (bytes[key] !== QUOTE && bytes[key] !== CLOSE_BRACE) throw new JsonScanError('a key', key);
  return key;
}

/** The offset of the value, from that of the end of its key. */
export function skipColon(bytes: Buffer, keyEnd: number): number {
  const colon = skipSpace(bytes, keyEnd);
  if (bytes[colon] !== COLON) throw new JsonScanError('a colon', colon);
  return skipSpace(bytes, colon + 1);
}

/** The offset of the key after a value, or of the brace that closes the object. */
export function nextKey(bytes: Buffer, valueEnd: number): number {
  const after = skipSpace(bytes, valueEnd);
  if (bytes[after] === CLOSE_BRACE) return after;
  if (bytes[after] !== COMMA) throw new JsonScanError('a comma or the end of an object', after);
  const key = skipSpace(bytes, after + 1);
  if (bytes[key] !== QUOTE) throw new JsonScanError('a key', key);
  return key;
}

/** Walks the members of the object that begins at `at`. @returns the offset after the object */
export function scanObject(bytes: Buffer, at: number, onMember: OnMember): number {
  let key = firstKey(bytes, at);
  while (bytes[key] === QUOTE) {
    const keyEnd = skipString(bytes, key);
    key = nextKey(bytes, onMember(key, keyEnd, skipColon(bytes, keyEnd)));
  }
  return key + 1;
}

/** Walks the elements of the array that begins at `at`. @param onElement gets an element's offset and returns the one after it */
export function scanArray(bytes: Buffer, at: number, onElement: (start: number) => number): number {
  if (bytes[at] !== OPEN_BRACKET) throw new JsonScanError('an array', at);
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === CLOSE_BRACKET) return i + 1;
  for (;;) {
    i = skipSpace(bytes, onElement(i));
    if (bytes[i] === CLOSE_BRACKET) return i + 1;
    if (bytes[i] !== COMMA) throw new JsonScanError('a comma or the end of an array', i);
    i = skipSpace(bytes, i + 1);
  }
}

/** Whether the bytes stand on one line. */
export function isOneLine(bytes: Buffer): boolean {
  return !bytes.includes(0x0a) && !bytes.includes(0x0d);
}

/**
 * The same JSON without white space outside of texts: Stripe writes its answers over many lines, and a record is one.
 *
 * @param joined where to put it, at least as long
 * @returns its part of `joined`
 */
export function joinLines(bytes: Buffer, joined: Buffer): Buffer {
  const end = bytes.length;
  let length = 0;
  for (let i = 0; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte <= SPACE) continue;
    joined[length++] = byte;
    if (byte !== QUOTE) continue;
    for (i++; i < end; i++) {
      const inner = bytes[i] as number;
      joined[length++] = inner;
      if (inner === QUOTE) break;
      if (inner === BACKSLASH) joined[length++] = bytes[++i] as number;
    }
  }
  return joined.subarray(0, Math.min(length, end));
}
