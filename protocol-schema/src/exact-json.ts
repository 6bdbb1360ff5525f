// Node has both since 21 (ECMAScript proposal "JSON.parse source text access"); TypeScript's library doesn't name them yet.
const { parse, rawJSON, isRawJSON } = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON?(text: string): unknown;
  isRawJSON?(value: unknown): boolean;
};

/** A number after what may stand before one (in strings too, but for dates): with a fraction, an exponent, 16 digits, or `-0`. */
const inexactNumber = /(?:^|[[,]|"\s*:)\s*-?(?:\d{16}|\d+[.eE]|(?<=-)0)/;

/** Whether a number may stand in a text that a double would not give back as it is written. A look at the text, not at its values. */
export function mayBeInexact(text: string): boolean {
  return inexactNumber.test(text);
}

/**
 * As JSON.parse, but each number that a double can't hold, or would write otherwise, stays as it is written (P9):
 * JSON.stringify writes it so again. It is no number then but an object without meaning to anybody else.
 *
 * @throws SyntaxError when the text is not JSON
 */
export function parseExactly(text: string): unknown {
  if (rawJSON === undefined || !mayBeInexact(text)) return JSON.parse(text);
  return parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
}

/** Whether a value is such a number. */
export function isExactNumber(value: unknown): boolean {
  return isRawJSON?.(value) ?? false;
}
