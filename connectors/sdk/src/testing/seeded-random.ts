/** Numbers in [0, 1) that look random and are the same for the same seed. Print the seed where a test fails. */
export function seededRandom(seed: number): () => number {
  // A 32-bit linear congruential step, its bits mixed: good enough to choose test cases with.
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}
