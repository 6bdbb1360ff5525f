import { describe, expect, it } from 'vitest';
import type { Range, StreamState, Window } from './range.ts';
import { RANGES_MAX } from './range.ts';
import { continueWholeList, joinRanges, reconcileState, WHOLE_LIST_RESUME_S } from './reconcile.ts';

const range = (gte: number, lt: number, seen?: number): Range => ({
  gte,
  lt,
  query: '',
  ...(seen === undefined ? {} : { cursor: { after: `obj_${seen}`, seen } }),
});
const news = (gte: number, lt: number): Range => ({ ...range(gte, lt), isNews: true });
const state = (gte: number, lt: number, ...remaining: Range[]): StreamState => ({
  accounted: { gte, lt },
  queries: [''],
  remaining,
  backfilled: 7,
});

describe('reconcileState', () => {
  it.each<[string, StreamState | undefined, Window, Range[]]>([
    ['nothing known: all of it', undefined, { gte: 10, lt: 20 }, [range(10, 20)]],
    ['an empty window: nothing', undefined, { gte: 10, lt: 10 }, []],
    ['the same window: no change', state(10, 20, range(10, 15, 12)), { gte: 10, lt: 20 }, [range(10, 15, 12)]],
    ['done, the same window: nothing', state(10, 20), { gte: 10, lt: 20 }, []],
    ['a later end: the news', state(10, 20), { gte: 10, lt: 25 }, [news(20, 25)]],
    ['an earlier start: the older part', state(10, 20), { gte: 5, lt: 20 }, [range(5, 10)]],
    ['both', state(10, 20, range(12, 15)), { gte: 5, lt: 25 }, [news(20, 25), range(12, 15), range(5, 10)]],
    [
      'a narrower window: what is outside is dropped',
      state(10, 20, range(10, 12), range(18, 20)),
      { gte: 13, lt: 17 },
      [],
    ],
    ['a raised start keeps the cursor', state(10, 20, range(10, 20, 15)), { gte: 12, lt: 20 }, [range(12, 20, 15)]],
    ['a start above the cursor: that part was read', state(10, 20, range(10, 20, 15)), { gte: 16, lt: 20 }, []],
    [
      'a lowered end keeps the cursor below it',
      state(10, 20, range(10, 20, 15)),
      { gte: 10, lt: 18 },
      [range(10, 18, 15)],
    ],
    ['a lowered end below the cursor loses it', state(10, 20, range(10, 20, 15)), { gte: 10, lt: 14 }, [range(10, 14)]],
    ['an end at the cursor loses it', state(10, 20, range(10, 20, 15)), { gte: 10, lt: 15 }, [range(10, 15)]],
    [
      'a later window that shares nothing: afresh',
      state(10, 20, range(10, 20, 15)),
      { gte: 30, lt: 40 },
      [range(30, 40)],
    ],
    ['an earlier window that shares nothing: afresh', state(10, 20), { gte: 1, lt: 5 }, [range(1, 5)]],
    [
      'an older part beside one that is not begun: one range',
      state(10, 20, range(10, 15)),
      { gte: 5, lt: 20 },
      [range(5, 15)],
    ],
    [
      'an older part below a cursor: goes on to it',
      state(10, 20, range(10, 20, 15)),
      { gte: 5, lt: 20 },
      [range(5, 20, 15)],
    ],
  ])('%s', (_, before, window, remaining) => {
    const after = reconcileState(before, window, ['']);
    expect(after.accounted).toEqual(window);
    expect(after.remaining).toEqual(remaining);
  });

  it('drops a cursor of unknown time when the range is trimmed, and keeps it otherwise', () => {
    const unknown: Range = { gte: 10, lt: 20, query: '', cursor: { after: 'obj' } };
    expect(reconcileState(state(10, 20, unknown), { gte: 10, lt: 20 }, ['']).remaining).toEqual([unknown]);
    expect(reconcileState(state(10, 20, unknown), { gte: 11, lt: 20 }, ['']).remaining).toEqual([range(11, 20)]);
  });

  it('treats each query by itself, drops those that are gone, and reads everything with one that is new', () => {
    const remaining = [
      { ...range(10, 20), query: 'a' },
      { ...range(10, 20), query: 'gone' },
    ];
    const before = { ...state(10, 20, ...remaining), queries: ['a', 'gone'] };
    const after = reconcileState(before, { gte: 10, lt: 22 }, ['a', 'b']);
    expect(after.queries).toEqual(['a', 'b']);
    expect(after.remaining).toEqual([
      { ...news(20, 22), query: 'a' },
      { ...range(10, 22), query: 'b' },
      { ...range(10, 20), query: 'a' },
    ]);
  });

  it('keeps what else is known of the stream', () => {
    const known = { ...state(10, 20), listedFrom: 12 };
    expect(reconcileState(known, { gte: 10, lt: 30 }, [''])).toMatchObject({ listedFrom: 12, backfilled: 7 });
  });

  it('keeps a query whose only range is the oldest of too many', () => {
    const lone = { ...range(0, 5), query: 'b' };
    const many = Array.from({ length: RANGES_MAX + 50 }, (_, i) => range(i * 10 + 10, i * 10 + 15, i * 10 + 12));
    const joined = joinRanges([...many, lone]);
    expect(joined.length).toBe(RANGES_MAX);
    for (const { gte, lt, query } of [...many, lone]) {
      expect(joined.some((r) => r.query === query && r.gte <= gte && r.lt >= lt)).toBe(true);
    }
  });

  it('never holds more ranges than the limit, and still covers all of them', () => {
    const many = Array.from({ length: RANGES_MAX + 50 }, (_, i) => range(i * 10, i * 10 + 5, i * 10 + 2));
    const joined = joinRanges(many);
    expect(joined.length).toBe(RANGES_MAX);
    for (const { gte, lt } of many) expect(joined.some((r) => r.gte <= gte && r.lt >= lt)).toBe(true);
  });
});

describe('continueWholeList', () => {
  const unfinished = state(10, 20, range(10, 20, 15));
  const late = { gte: 10, lt: 21 + WHOLE_LIST_RESUME_S };

  it.each<[string, StreamState, Window, readonly string[], boolean, boolean]>([
    ['one that is through stays so', state(10, 20), late, [''], false, true],
    ['one that was cut off goes on', unfinished, { gte: 10, lt: 30 }, [''], false, true],
    ['one that was cut off long ago begins anew', unfinished, late, [''], false, false],
    ['however long ago, it goes on where events tell what changed', unfinished, late, [''], true, true],
    ['asked for in another way, it begins anew', state(10, 20), { gte: 10, lt: 20 }, ['status=all'], false, false],
    ['with another start, it begins anew', state(10, 20), { gte: 11, lt: 20 }, [''], false, false],
    ['a clock that went back makes it begin anew', unfinished, { gte: 10, lt: 19 }, [''], false, false],
  ])('%s', (_, before, window, queries, mayBeOld, goesOn) => {
    expect(continueWholeList(before, window, queries, mayBeOld)).toBe(goesOn ? before : undefined);
  });
});
