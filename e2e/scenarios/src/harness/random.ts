/** Numbers in [0, 1), the same ones for the same seed (mulberry32, a public-domain generator). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The seed of a scenario: PENSTOCK_SEED, or a new one. Scenarios print it, so that a failure can be played again. */
export function scenarioSeed(): number {
  const given = process.env.PENSTOCK_SEED;
  const seed = given === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(given);
  console.log(`seed: PENSTOCK_SEED=${seed}`);
  return seed;
}
