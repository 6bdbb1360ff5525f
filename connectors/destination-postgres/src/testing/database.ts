import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterAll, beforeAll } from 'vitest';

/**
 * Gives the tests of a file, or of one `describe`, a database of their own: made before the first of them, dropped after the
 * last. Its fields can be read once tests run, not while they are gathered.
 */
export function useTestDatabase(): TestDatabase {
  let made: TestDatabase | undefined;
  const current = () => {
    if (!made) throw new Error('The database is made before the first test runs, and not before.');
    return made;
  };
  beforeAll(async () => {
    made = await createTestDatabase();
  });
  afterAll(() => made?.drop());
  return {
    get url() {
      return current().url;
    },
    get pool() {
      return current().pool;
    },
    drop: () => current().drop(),
  };
}

let count = 0;

/** A name that no other stream or table of the file has: `t1`, `t2` and so on. */
export function newName(): string {
  return `t${++count}`;
}
