import { describe, expect, it } from 'vitest';
import {
  advanceState,
  type KeyedState,
  keyState,
  newlyComplete,
  splitState,
  stepAfterLostCursor,
  stepAfterPage,
  stepRange,
} from './advance.ts';
import type { Range } from './range.ts';

const range: Range = { gte: 100, lt: 200, query: '' };
const page = (newest: number, oldest: number) => ({ count: 100, hasMore: true, next: 'ch_1', newest, oldest });
const after = (asked: Range, newest: number, oldest: number): Range =>
  stepRange(asked, stepAfterPage(asked, page(newest, oldest))) as Range;

describe('stepAfterPage', () => {
  it('remembers the second of the last object while pages come newest first', () => {
    const first = after(range, 199, 150);
    expect(first).toEqual({ ...range, cursor: { after: 'ch_1', seen: 150 } });
    expect(after(first, 150, 120).cursor).toEqual({ after: 'ch_1', seen: 120 });
  });

  it('trusts no second once a page held something newer than the page before: going on from there would lose it', () => {
    const first = after(range, 130, 120);
    const second = after(first, 190, 180);
    expect(second.cursor).toEqual({ after: 'ch_1' });
    const third = after(second, 110, 105);
    expect(third.cursor).toEqual({ after: 'ch_1' });
    expect(stepRange(third, stepAfterLostCursor(third))).toEqual(range);
    expect(newlyComplete(second, third)).toBeUndefined();
    expect(newlyComplete(third, undefined)).toEqual({ gte: 100, lt: 200 });
  });
});

describe('a range whose older part was split off while a page was under way', () => {
  const asked = { ...range, cursor: { after: 'ch_0', seen: 180 } };
  const shortened = { ...asked, gte: 150 };

  it.each([
    ['goes on where the page ended above the split', 160, { ...shortened, cursor: { after: 'ch_1', seen: 160 } }],
    [
      'goes on in the second at the split, which is its own',
      150,
      { ...shortened, cursor: { after: 'ch_1', seen: 150 } },
    ],
    ['is through where the page reached into the older part', 149, undefined],
  ])('%s', (_, oldest, expected) => {
    expect(stepRange(shortened, stepAfterPage(asked, page(180, oldest)))).toEqual(expected);
  });

  it('is through when the page was the last one of both', () => {
    expect(stepRange(shortened, stepAfterPage(asked, { count: 3, hasMore: false }))).toBeUndefined();
  });

  it('goes on from the second under a lost cursor, unless that is no longer its own', () => {
    expect(stepRange(shortened, stepAfterLostCursor(asked))).toEqual({ ...range, gte: 150, lt: 181 });
    const low = { ...asked, cursor: { after: 'ch_0', seen: 120 } };
    expect(stepRange(shortened, stepAfterLostCursor(low))).toBeUndefined();
  });
});

describe('the state that is emitted', () => {
  const state: KeyedState = keyState({
    accounted: { gte: 100, lt: 200 },
    queries: [''],
    remaining: [{ ...range, cursor: { after: 'ch_0', seen: 180 } }],
    backfilled: 5,
  });

  it('holds both parts of a range that was split, the cursor in the newer one, and each goes its own way', () => {
    const split = splitState(state, 0, 150, 7);
    expect(split.remaining).toEqual([
      { gte: 150, lt: 200, query: '', key: 0, cursor: { after: 'ch_0', seen: 180 } },
      { gte: 100, lt: 150, query: '', key: 7 },
    ]);
    const advanced = advanceState(split, 7, { lt: 150, cursor: { after: 'ch_9', seen: 140 } }, 100);
    expect(advanced.remaining[1]).toEqual({
      gte: 100,
      lt: 150,
      query: '',
      key: 7,
      cursor: { after: 'ch_9', seen: 140 },
    });
    expect(advanced.remaining[0]).toBe(split.remaining[0]);
    expect(advanced.backfilled).toBe(105);
    expect(advanceState(advanced, 0, undefined, 3).remaining.map(({ key }) => key)).toEqual([7]);
  });

  it.each([[100], [200], [90]])('refuses a split at %d, outside of the range', (at) => {
    expect(() => splitState(state, 0, at, 1)).toThrow('within its bounds');
  });

  it('refuses a page of a range that it does not wait for', () => {
    expect(() => advanceState(state, 3, undefined, 1)).toThrow('not waited for');
  });
});
