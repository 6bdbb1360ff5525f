import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexMax, namedIds, scrambledIds } from './object-id.ts';

describe('scrambledIds', () => {
  it('gives an id that leads back to its index, for every index', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 0, max: indexMax - 1 }),
        fc.integer({ min: 12, max: 24 }),
        (seed, index, length) => {
          const ids = scrambledIds(seed, '/v1/customers', 'cus_', length);
          const id = ids.idOf(index);
          expect(id).toMatch(new RegExp(`^cus_[0-9A-Za-z]{${length}}$`));
          expect(ids.indexOf(id)).toBe(index);
        },
      ),
    );
  });

  it('refuses ids that it never gave', () => {
    const ids = scrambledIds(1, '/v1/customers', 'cus_', 14);
    fc.assert(
      fc.property(fc.stringMatching(/^cus_[0-9A-Za-z]{14}$/), (id) => {
        const index = ids.indexOf(id);
        expect(index === undefined || ids.idOf(index) === id).toBe(true);
      }),
    );
    expect(ids.indexOf('cus_nothing')).toBeUndefined();
    expect(ids.indexOf(scrambledIds(1, '/v1/charges', 'cus_', 14).idOf(5))).toBeUndefined();
    expect(ids.indexOf(scrambledIds(2, '/v1/customers', 'cus_', 14).idOf(5))).toBeUndefined();
  });

  it('gives ids that are neither in the order of the indexes nor in the reverse', () => {
    const ids = scrambledIds(1, '/v1/customers', 'cus_', 14);
    let rises = 0;
    for (let i = 0; i < 1000; i++) if (ids.idOf(i) < ids.idOf(i + 1)) rises++;
    expect(rises).toBeGreaterThan(400);
    expect(rises).toBeLessThan(600);
  });
});

describe('namedIds', () => {
  it('deals out every name once', () => {
    const names = Array.from({ length: 42 }, (_, i) => `n${i}`);
    const ids = namedIds(names);
    expect(new Set(names.map((_, i) => ids.idOf(i)))).toEqual(new Set(names));
    for (let i = 0; i < names.length; i++) expect(ids.indexOf(ids.idOf(i))).toBe(i);
    expect(ids.indexOf('n42')).toBeUndefined();
  });
});
