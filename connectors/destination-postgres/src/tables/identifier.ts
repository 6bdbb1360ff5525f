import { createHash } from 'node:crypto';

/** Postgres cuts longer names silently (NAMEDATALEN − 1), so ours are cut before, with a hash that keeps them apart. */
const nameBytesMax = 63;

/** Quotes a name for SQL, reserved words and quotes inside included. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Quotes text for SQL. Right for a server with standard_conforming_strings, which every session here sets. NUL, which can't
 * stand in SQL and is in no JSON that Postgres holds, becomes a replacement character.
 */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''").replaceAll('\0', '\uFFFD')}'`;
}

/**
 * A name that Postgres keeps as it is: at most 63 bytes, no NUL. A longer one ends with 8 hex digits of its SHA-256, so two
 * that begin alike stay different, and each is the same in every run.
 */
export function fitName(name: string): string {
  const clean = name.replaceAll('\0', '') || '_';
  if (Buffer.byteLength(clean) <= nameBytesMax) return clean;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  // A cut inside of a character leaves a replacement character, which goes.
  const head = Buffer.from(clean)
    .subarray(0, nameBytesMax - 9)
    .toString()
    .replace(/\uFFFD+$/, '');
  return `${head}_${hash}`;
}

/** Gives out names that differ from all given out before: one that is taken gets `_` and a number. */
export class NameGiver {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  give(name: string): string {
    let given = fitName(name);
    for (let count = 2; this.#taken.has(given); count++) given = fitName(`${name}_${count}`);
    this.#taken.add(given);
    return given;
  }

  /**
   * Gives each of several names that differ, in whatever order they stand: those that can be used as they are come first.
   *
   * @returns what was given, by name
   */
  giveAll(names: Iterable<string>): Map<string, string> {
    const isFine = (name: string) => fitName(name) === name && !this.#taken.has(name);
    const { fine = [], changed = [] } = Object.groupBy([...names].toSorted(), (name) =>
      isFine(name) ? 'fine' : 'changed',
    );
    return new Map([...fine, ...changed].map((name) => [name, this.give(name)]));
  }
}
