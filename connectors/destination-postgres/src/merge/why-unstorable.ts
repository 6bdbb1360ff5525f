import { isUtf8 } from 'node:buffer';

/** Digits that `numeric` has before the decimal point at most (Postgres manual, Numeric Types). */
const digitsMax = 131_072;

const [quote, backslash, minus, dot, zero, nine] = [0x22, 0x5c, 0x2d, 0x2e, 0x30, 0x39];
const isDigit = (byte: number | undefined) => byte !== undefined && byte >= zero && byte <= nine;

/**
 * What Postgres is known to refuse in the JSON of a record, told without asking it: for batches with many bad records. Goes over
 * the bytes once, without recursion: records can be large, and nested deep.
 *
 * @returns undefined where nothing is known against it, which promises nothing
 */
export function whyUnstorable(data: Buffer): string | undefined {
  if (!isUtf8(data)) return 'it holds bytes that are not UTF-8';
  try {
    JSON.parse(data.toString());
  } catch (error) {
    if (error instanceof SyntaxError) return 'it is not JSON';
  }
  for (let at = 0; at < data.length; ) {
    const byte = data[at]!;
    if (byte === quote) {
      const end = endOfString(data, at);
      const reason = whyTextUnstorable(data, at + 1, end);
      if (reason !== undefined) return reason;
      at = end + 1;
    } else if (isDigit(byte)) {
      const end = endOfNumber(data, at);
      if (isBeyondNumeric(data, at, end)) return 'it holds a number that is too large for numeric';
      at = end;
    } else at++;
  }
  return undefined;
}

/** Where the quote is that closes the string whose first quote is at `start`. */
function endOfString(data: Buffer, start: number): number {
  for (let at = data.indexOf(quote, start + 1); at !== -1; at = data.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (data[at - 1 - backslashes] === backslash) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return data.length;
}

/** Looks at the escapes of a string: raw bytes are valid UTF-8, which holds neither. */
function whyTextUnstorable(data: Buffer, start: number, end: number): string | undefined {
  let high = -1;
  for (let at = start; at < end; ) {
    if (data[at] !== backslash) {
      at = data.indexOf(backslash, at);
      if (at === -1 || at >= end) break;
    }
    const unit = data[at + 1] === 0x75 ? Number.parseInt(data.toString('latin1', at + 2, at + 6), 16) : undefined;
    const isLow = unit !== undefined && unit >= 0xdc00 && unit <= 0xdfff;
    if (unit === 0) return 'it holds \\u0000, which Postgres has no place for';
    if (isLow ? high !== at : high !== -1) return halfPair;
    at += unit === undefined ? 2 : 6;
    high = unit !== undefined && unit >= 0xd800 && unit <= 0xdbff ? at : -1;
  }
  return high === -1 ? undefined : halfPair;
}

const halfPair = 'it holds half of a surrogate pair';

function endOfNumber(data: Buffer, start: number): number {
  let at = start;
  // Digits, a point, e or E and a sign: whatever comes in a number, in valid JSON.
  while (
    isDigit(data[at]) ||
    data[at] === dot ||
    data[at] === minus ||
    data[at] === 0x2b ||
    (data[at]! | 0x20) === 0x65
  )
    at++;
  return at;
}

function isBeyondNumeric(data: Buffer, start: number, end: number): boolean {
  // Most numbers are short, and have no exponent.
  if (end - start <= digitsMax && !hasExponent(data, start, end)) return false;
  const [mantissa = '', exponent = '0'] = data.toString('latin1', start, end).toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const leading = whole.length + fraction.length - digits.length;
  return digits !== '' && whole.length - leading + Number(exponent) > digitsMax;
}

function hasExponent(data: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((data[at]! | 0x20) === 0x65) return true;
  return false;
}
