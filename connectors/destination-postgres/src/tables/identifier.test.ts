import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitName, NameGiver, quoteName } from './identifier.ts';

describe('names', () => {
  it('of up to 63 bytes stay as they are', () => {
    for (const name of ['customers', 'Order', 'select', 'a"b', 'x'.repeat(63), 'ü'.repeat(31)])
      expect(fitName(name)).toBe(name);
  });

  it('fit into 63 bytes of whole characters, and differ when they were different', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 120 }), (name) => {
        const fitted = fitName(name.repeat(3));
        expect(Buffer.byteLength(fitted)).toBeLessThanOrEqual(63);
        expect(fitted).not.toContain('\0');
        expect(fitted.isWellFormed()).toBe(true);
      }),
    );
    const long = 'x'.repeat(80);
    expect(fitName(`${long}1`)).not.toBe(fitName(`${long}2`));
    expect(fitName(`${long}1`)).toBe(fitName(`${long}1`));
  });

  it('that are taken get a number', () => {
    const names = new NameGiver(['ctid']);
    expect(['ctid', 'a', 'a', 'a'].map((name) => names.give(name))).toEqual(['ctid_2', 'a', 'a_2', 'a_3']);
  });

  it('are given the same whatever their order', () => {
    const wanted = ['xmin', 'xmin_3', 'a', 'xmin_2', ''];
    const give = (names: string[]) => Object.fromEntries(new NameGiver(['xmin']).giveAll(names));
    const given = { xmin: 'xmin_4', xmin_2: 'xmin_2', xmin_3: 'xmin_3', a: 'a', '': '_' };
    fc.assert(
      fc.property(fc.shuffledSubarray(wanted, { minLength: wanted.length }), (names) => {
        expect(give(names)).toEqual(given);
      }),
    );
  });

  it('are quoted with the quotes inside doubled', () => {
    expect(quoteName('a"b')).toBe('"a""b"');
  });
});
