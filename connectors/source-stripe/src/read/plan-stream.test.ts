import { describe, expect, it } from 'vitest';
import type { Range, StreamState } from '../ranges/range.ts';
import { type PlanInput, planStream } from './plan-stream.ts';

const DAY = 86_400;
const range = (gte: number, lt: number, seen?: number): Range => ({
  gte,
  lt,
  query: '',
  ...(seen === undefined ? {} : { cursor: { after: 'x', seen } }),
});
const news = (gte: number, lt: number): Range => ({ ...range(gte, lt), isNews: true });
const saved = (gte: number, lt: number, ...remaining: Range[]): StreamState => ({
  accounted: { gte, lt },
  queries: [''],
  remaining,
  backfilled: 5000,
  listedFrom: lt,
});

const filtered = { created: 'created', queries: [''] };
const whole = { created: null, queries: [''] };

function plan(input: Partial<PlanInput>) {
  return planStream({
    list: filtered,
    saved: undefined,
    window: { gte: 0, lt: 2000 },
    backfillLimit: undefined,
    toldUntil: undefined,
    rereadAfterS: DAY,
    now: 2000,
    ...input,
  });
}

describe('a stream of which events tell everything', () => {
  it.each<[string, Partial<PlanInput>, { accounted: object; remaining: Range[] }]>([
    ['is read whole at first', { toldUntil: 2000 }, { accounted: { gte: 0, lt: 2000 }, remaining: [range(0, 2000)] }],
    [
      'is not listed again for what events tell',
      { saved: saved(0, 1000), toldUntil: 1000 },
      { accounted: { gte: 0, lt: 1000 }, remaining: [] },
    ],
    [
      'goes on with its backfill, and with no more than that',
      { saved: saved(0, 1000, range(0, 500, 300)), toldUntil: 1000 },
      { accounted: { gte: 0, lt: 1000 }, remaining: [range(0, 500, 300)] },
    ],
    [
      'is listed between what was accounted for and where events begin to tell',
      { saved: saved(0, 1000), toldUntil: 1500 },
      { accounted: { gte: 0, lt: 1500 }, remaining: [news(1000, 1500)] },
    ],
    [
      'is listed before a new start of its time range',
      { saved: saved(500, 1000), toldUntil: 1000 },
      { accounted: { gte: 0, lt: 1000 }, remaining: [range(0, 500)] },
    ],
    [
      'is not listed beyond an end of the user, wherever events are',
      { saved: saved(0, 800), window: { gte: 0, lt: 900 }, toldUntil: 1500 },
      { accounted: { gte: 0, lt: 900 }, remaining: [news(800, 900)] },
    ],
    [
      'stays accounted for beyond the end of a run that events have passed',
      { saved: saved(0, 1200), window: { gte: 0, lt: 1900 }, toldUntil: 1100 },
      { accounted: { gte: 0, lt: 1200 }, remaining: [] },
    ],
  ])('%s', (_, input, expected) => {
    const { state, isReread } = plan(input);
    expect(state).toMatchObject(expected);
    expect(isReread).toBe(false);
  });

  it('is never read again, however long ago it was read', () => {
    expect(plan({ saved: saved(0, 1000), toldUntil: 1000, now: 1e9 }).isReread).toBe(false);
  });

  it('goes on with a pass over a whole list, however old: events tell what changed since', () => {
    const old = saved(0, 1000, range(0, 1000, 500));
    const later = { list: whole, saved: old, window: { gte: 0, lt: 1e9 }, now: 1e9 };
    expect(plan({ ...later, toldUntil: 1000 }).state).toBe(old);
    expect(plan(later).state.remaining).toEqual([range(0, 1e9)]);
  });
});

describe('a stream of which events do not tell everything', () => {
  it.each<[string, Partial<PlanInput>, boolean, Range[]]>([
    ['is listed for what is new', { saved: saved(0, 1000) }, false, [news(1000, 2000)]],
    ['is read whole again when that is due', { saved: saved(0, 1000), now: 1000 + DAY }, true, [range(0, 2000)]],
    [
      'is read whole again each time where that is asked for',
      { saved: saved(0, 1000), rereadAfterS: 0 },
      true,
      [range(0, 2000)],
    ],
    [
      'goes on with what it is at before it begins anew',
      { saved: saved(0, 1000, range(0, 400)), now: 1000 + DAY },
      false,
      [news(1000, 2000), range(0, 400)],
    ],
    [
      'is not read again where nothing ever changes',
      { list: { ...filtered, neverChanges: true }, saved: saved(0, 1000), now: 1e9 },
      false,
      [news(1000, 2000)],
    ],
    [
      'without a filter, is read when it is due although nothing in it changes, since something may be new',
      { list: { ...whole, neverChanges: true }, saved: saved(0, 1000), now: 1000 + DAY },
      true,
      [range(0, 2000)],
    ],
    ['without a filter, is left as it is until it is due', { list: whole, saved: saved(0, 1000) }, false, []],
    [
      'without a filter, is read when it is due',
      { list: whole, saved: saved(0, 1000), now: 1000 + DAY },
      true,
      [range(0, 2000)],
    ],
  ])('%s', (_, input, isReread, remaining) => {
    const planned = plan(input);
    expect(planned.isReread).toBe(isReread);
    expect(planned.state.remaining).toEqual(remaining);
  });

  it('remembers when it was read whole, and not when it was looked at for what is new', () => {
    expect(plan({}).state.listedFrom).toBe(2000);
    expect(plan({ saved: saved(0, 1000) }).state.listedFrom).toBe(1000);
    expect(plan({ saved: saved(0, 1000), rereadAfterS: 0 }).state.listedFrom).toBe(2000);
  });
});

it('reads nothing of a window that is empty', () => {
  expect(plan({ window: { gte: 2000, lt: 2000 } }).state.remaining).toEqual([]);
});
