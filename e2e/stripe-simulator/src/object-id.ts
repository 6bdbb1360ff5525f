import { hashText, mix } from './random.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const digitOf = new Map([...alphabet].map((c, i) => [c, i]));
/** What two digits can be, by their value, the lower digit first. */
const pairs = [...alphabet].flatMap((second) => [...alphabet].map((first) => first + second));
/** Base-62 digits of one 32-bit half. */
const halfDigits = 6;
const rounds = 4;

/** How many objects one id space can hold: 40 bits of index, the rest is a check value. */
export const indexMax = 2 ** 40;

/** Translates between the index of an object and its id, both ways. */
export type IdSpace = {
  idOf(index: number): string;
  /** The index that has this id, or undefined where the id is not of this space. */
  indexOf(id: string): number | undefined;
};

/**
 * Ids like Stripe's: a prefix and base-62 characters, without any order that an eye or a sort could see.
 *
 * The index and a check value go through a keyed Feistel network, which is a bijection, so ids are unique without
 * remembering any, and one that was never given out is recognised.
 *
 * @param length characters after the prefix, at least 12
 */
export function scrambledIds(seed: number, name: string, prefix: string, length: number): IdSpace {
  const key = hashText(seed, `id of ${name}`);
  const keys = Array.from({ length: rounds }, (_, i) => mix(key, i + 1));
  const check = mix(key, 99) & 0xffffff;
  let filler = '';
  for (let i = 0; filler.length < length - 2 * halfDigits; i++) filler += alphabet[mix(key, 200 + i) % 62];

  const idOf = (index: number): string => {
    let left = index >>> 0;
    let right = (check * 256 + Math.floor(index / 0x1_0000_0000)) >>> 0;
    for (let i = 0; i < rounds; i++) {
      const next = (left ^ mix(right, keys[i] as number)) >>> 0;
      left = right;
      right = next;
    }
    return prefix + encodeHalf(left) + encodeHalf(right) + filler;
  };
  const indexOf = (id: string): number | undefined => {
    if (id.length !== prefix.length + length || !id.startsWith(prefix) || !id.endsWith(filler)) return undefined;
    let left = decodeHalf(id, prefix.length);
    let right = decodeHalf(id, prefix.length + halfDigits);
    if (left === undefined || right === undefined) return undefined;
    for (let i = rounds - 1; i >= 0; i--) {
      const before: number = (right ^ mix(left, keys[i] as number)) >>> 0;
      right = left;
      left = before;
    }
    return right >>> 8 === check ? (right & 0xff) * 0x1_0000_0000 + left : undefined;
  };
  return { idOf, indexOf };
}

/** Ids from a fixed list (countries, currencies), dealt out in an order that is not the list's. */
export function namedIds(names: readonly string[]): IdSpace {
  const dealt = names.map((_, i) => names[(i * stepFor(names.length)) % names.length] as string);
  const index = new Map(dealt.map((name, i) => [name, i]));
  return { idOf: (i) => dealt[i] as string, indexOf: (id) => index.get(id) };
}

function stepFor(length: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let step = 7;
  while (gcd(step, length) !== 1) step++;
  return step;
}

/** A half as digits, the lowest first. */
function encodeHalf(half: number): string {
  const high = Math.floor(half / pairs.length);
  return (
    (pairs[half % pairs.length] as string) +
    (pairs[high % pairs.length] as string) +
    (pairs[Math.floor(high / pairs.length)] as string)
  );
}

function decodeHalf(id: string, at: number): number | undefined {
  let half = 0;
  for (let i = halfDigits - 1; i >= 0; i--) {
    const digit = digitOf.get(id[at + i] as string);
    if (digit === undefined) return undefined;
    half = half * 62 + digit;
  }
  // A half has 32 bits and its digits hold more: without this, several ids would be read as the same index.
  return half < 0x1_0000_0000 ? half : undefined;
}
