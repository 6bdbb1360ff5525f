import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMark, sideMark, tableMark, tombstoneMark } from './mark.ts';

describe('the comment of a table', () => {
  it('gives back what it was made of, whatever the name of the stream', () => {
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a"', '": rows of one run, taken over', '\\'));
    const generation = fc.option(fc.nat(), { nil: undefined });
    fc.assert(
      fc.property(name, generation, fc.boolean(), (stream, id, isTaken) => {
        expect(readMark(tableMark(stream))).toEqual({ stream, kind: 'table' });
        expect(readMark(tombstoneMark(stream))).toEqual({ stream, kind: 'tombstones' });
        const side = { generation: id, isTaken };
        expect(readMark(sideMark(stream, side))).toEqual({ stream, kind: 'side', ...side });
      }),
    );
  });

  it('of somebody else is nothing', () => {
    for (const comment of ['', 'Our customers', 'Made by Penstock', 'Made by Penstock from the stream customers'])
      expect(readMark(comment)).toBeUndefined();
  });

  it('may be added to', () => {
    expect(readMark(`${tableMark('a')}. Ask the data team.`)).toEqual({ stream: 'a', kind: 'table' });
  });
});
