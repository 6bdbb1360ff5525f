import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeletedRanks } from './deleted-ranks.ts';

describe('DeletedRanks', () => {
  it('finds the nearest rank that is left in both directions, in whatever order ranks were deleted', () => {
    const size = 30;
    fc.assert(
      fc.property(fc.array(fc.nat(size - 1)), fc.array(fc.nat(size - 1)), (deleted, asked) => {
        const ranks = new DeletedRanks();
        for (const [i, rank] of deleted.entries()) {
          ranks.add(rank);
          // Asked in between too, as asking shortens the links.
          ranks.downFrom(asked[i] ?? 0);
          ranks.upFrom(asked[i] ?? 0);
        }
        const gone = new Set(deleted);
        for (const from of asked) {
          let [low, high] = [from, from];
          while (gone.has(low)) low--;
          while (gone.has(high)) high++;
          expect([ranks.downFrom(from), ranks.upFrom(from), ranks.has(from)]).toEqual([low, high, gone.has(from)]);
        }
        expect([ranks.size, new Set(ranks)]).toEqual([gone.size, gone]);
      }),
    );
  });
});
