import { describe, expect, it } from 'vitest';
import { newlyComplete, rangeAfterLostCursor, rangeAfterPage } from './advance.ts';
import type { Range } from './range.ts';

const range: Range = { gte: 100, lt: 200, query: '' };
const page = (newest: number, oldest: number) => ({ count: 100, hasMore: true, next: 'ch_1', newest, oldest });

describe('rangeAfterPage', () => {
  it('remembers the second of the last object while pages come newest first', () => {
    const first = rangeAfterPage(range, page(199, 150));
    expect(first).toEqual({ ...range, cursor: { after: 'ch_1', seen: 150 } });
    expect(rangeAfterPage(first!, page(150, 120))?.cursor).toEqual({ after: 'ch_1', seen: 120 });
  });

  it('trusts no second once a page held something newer than the page before: going on from there would lose it', () => {
    const first = rangeAfterPage(range, page(130, 120));
    const second = rangeAfterPage(first!, page(190, 180));
    expect(second?.cursor).toEqual({ after: 'ch_1' });
    const third = rangeAfterPage(second!, page(110, 105));
    expect(third?.cursor).toEqual({ after: 'ch_1' });
    expect(rangeAfterLostCursor(third!)).toEqual(range);
    expect(newlyComplete(second!, third)).toBeUndefined();
    expect(newlyComplete(third!, undefined)).toEqual({ gte: 100, lt: 200 });
  });
});
