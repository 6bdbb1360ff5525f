/**
 * Randomness without state: every value is a hash of what it belongs to, so that any object can be made at any time,
 * in any order, and always comes out the same.
 */

/** Mixes two 32-bit numbers to one, unsigned. Every bit of the input moves about half of the output (murmur3 finaliser). */
export function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b ^ (b >>> 15), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Hashes a text to 32 bits, under a seed. */
export function hashText(seed: number, text: string): number {
  let h = seed >>> 0;
  for (let i = 0; i < text.length; i++) h = mix(h, text.charCodeAt(i) + (i << 16));
  return h;
}

/** Hashes a non-negative integer of up to 53 bits, under a seed. */
export function hashIndex(seed: number, index: number): number {
  return mix(mix(seed, index >>> 0), Math.floor(index / 0x1_0000_0000));
}

/** A number from 0 (included) to 1 (excluded) from a hash. */
export function unit(hash: number): number {
  return hash / 0x1_0000_0000;
}

/** A hash that belongs to one field of one object. */
export function fieldHash(around: { seed: number }, path: string): (subject: { index: number }) => number {
  const seed = hashText(around.seed, path);
  return (subject) => hashIndex(seed, subject.index);
}
