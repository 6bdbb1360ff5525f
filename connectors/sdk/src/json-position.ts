/**
 * Where a text stops being JSON. The engine's own message is of no use for that: it often has no position, and it quotes
 * the text, which may hold a secret (P7).
 */

const space = /[ \t\n\r]*/y;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// The control characters, which JSON wants escaped, end a string as surely as its quote does.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
/** Deeper nesting is not followed: the position of the bracket that is too deep is given then. */
const DEPTH_MAX = 500;

/** A place in a text, for people: both count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
  /** What would have been allowed there. */
  readonly expected: string;
}

class JsonRefusedSignal extends Error {
  readonly at: number;
  constructor(at: number, expected: string) {
    super(expected);
    this.at = at;
  }
}

/** The first place at which the text is not JSON, or undefined when all of it is. */
export function findJsonError(text: string): TextPosition | undefined {
  try {
    const end = skip(text, skipValue(text, skip(text, 0, space), 0), space);
    if (end < text.length) throw new JsonRefusedSignal(end, 'the end of the file');
    return undefined;
  } catch (error) {
    if (!(error instanceof JsonRefusedSignal)) throw error;
    const before = text.slice(0, error.at).split('\n');
    return { line: before.length, column: before.at(-1)!.length + 1, expected: error.message };
  }
}

/** @returns where the pattern's match ends; `at` when there is none */
function skip(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function skipString(text: string, at: number, expected: string): number {
  const end = skip(text, at, string);
  if (end === at) throw new JsonRefusedSignal(at, text[at] === '"' ? 'a string with its closing quote' : expected);
  return end;
}

function skipValue(text: string, at: number, depth: number): number {
  const opening = text[at];
  if (opening === '"') return skipString(text, at, 'a string');
  if (opening === '{' || opening === '[') {
    if (depth >= DEPTH_MAX) throw new JsonRefusedSignal(at, 'less nesting');
    return skipItems(text, at, opening === '{', depth);
  }
  const end = skip(text, at, literal);
  if (end === at) throw new JsonRefusedSignal(at, 'a value');
  return end;
}

function skipItems(text: string, start: number, isObject: boolean, depth: number): number {
  const closing = isObject ? '}' : ']';
  let at = skip(text, start + 1, space);
  if (text[at] === closing) return at + 1;
  for (;;) {
    if (isObject) {
      at = skip(text, skipString(text, at, 'a key in double quotes'), space);
      if (text[at] !== ':') throw new JsonRefusedSignal(at, '":"');
      at = skip(text, at + 1, space);
    }
    at = skip(text, skipValue(text, at, depth + 1), space);
    if (text[at] === closing) return at + 1;
    if (text[at] !== ',') throw new JsonRefusedSignal(at, `"," or "${closing}"`);
    at = skip(text, at + 1, space);
  }
}
