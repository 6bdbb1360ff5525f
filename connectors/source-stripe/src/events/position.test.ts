import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advancePositions,
  arrangePositions,
  EVENTS_KEPT_S,
  type EventPosition,
  type EventPositions,
  hasGap,
  joinCursor,
  noPositions,
  oldestPosition,
  placeStreams,
  positionOf,
  type ReachedPosition,
  SEEN_MAX,
} from './position.ts';

const at = (through: number, anchor?: string, ...seen: string[]): EventPosition => ({
  through,
  ...(anchor === undefined ? {} : { anchor }),
  seen,
});

/** Positions as a table: the cursor, who stands there, and the others. */
function show({ cursor, streams, behind }: EventPositions) {
  return { cursor, streams: [...streams].sort(), behind: Object.fromEntries([...behind].sort()) };
}

const standing = (position: EventPosition, ...names: string[]) =>
  arrangePositions(new Map(names.map((name) => [name, position])), undefined);
const all = standing(at(100, 'e1', 'e2'), 'a', 'b', 'c');
const limits = (...names: string[]) => new Map(names.map((name) => [name, {}]));
const to = (through: number, anchor?: string, ...seen: [string, number][]): ReachedPosition => ({
  through,
  ...(anchor === undefined ? {} : { anchor }),
  seen: seen.map(([id, created]) => ({ id, created })),
});

describe('placeStreams and joinCursor', () => {
  it('lets the first streams stand at the cursor', () => {
    const first = placeStreams(noPositions, ['a', 'b', 'c'], at(100, 'e1'));
    expect(show(first)).toEqual({ cursor: at(100, 'e1'), streams: ['a', 'b', 'c'], behind: {} });
  });

  it('puts those behind that are passed, and moves nobody back', () => {
    const later = placeStreams(all, ['a', 'd'], at(200, 'e9'));
    expect(show(later)).toEqual({
      cursor: at(200, 'e9'),
      streams: ['a', 'd'],
      behind: { b: at(100, 'e1'), c: at(100, 'e1') },
    });
    expect(positionOf(placeStreams(later, ['a'], at(50)), 'a')).toEqual(at(200, 'e9'));
  });

  it('lets a new stream join at the cursor without what others have seen beyond, and leaves those that have a position', () => {
    const joined = joinCursor(placeStreams(all, ['e'], at(90)), ['a', 'd', 'e']);
    expect(show(joined)).toEqual({
      cursor: at(100, 'e1', 'e2'),
      streams: ['a', 'b', 'c'],
      behind: { d: at(100, 'e1'), e: at(100, 'e1') },
    });
    expect(joinCursor(noPositions, ['a'])).toBe(noPositions);
  });
});

describe('oldestPosition', () => {
  it('is that of the stream furthest behind, of those that are asked for', () => {
    const positions = placeStreams(all, ['a'], at(200));
    expect(oldestPosition(positions, ['a', 'b'])).toEqual(at(100, 'e1'));
    expect(oldestPosition(positions, ['a'])).toEqual(at(200));
    expect(oldestPosition(positions, ['x'])).toBeUndefined();
  });

  it('is the one that says where to begin, of two at the same second', () => {
    const positions = placeStreams(standing(at(100, 'e1', 'e2'), 'b'), ['a'], at(100));
    expect(oldestPosition(positions, ['a', 'b'])).toEqual(at(100, 'e1', 'e2'));
  });
});

describe('advancePositions', () => {
  it.each<[string, EventPositions, Map<string, { until?: number }>, ReachedPosition, ReturnType<typeof show>]>([
    [
      'moves all participants along',
      all,
      limits('a', 'b', 'c'),
      to(200, 'e5', ['e6', 205]),
      { cursor: at(200, 'e5', 'e6'), streams: ['a', 'b', 'c'], behind: {} },
    ],
    [
      'leaves who does not take part behind, at the old cursor',
      all,
      limits('a', 'b'),
      to(200, 'e5', ['e6', 205]),
      { cursor: at(200, 'e5', 'e6'), streams: ['a', 'b'], behind: { c: at(100, 'e1') } },
    ],
    [
      'lets who was behind join again',
      placeStreams(all, ['b', 'c'], at(150)),
      limits('a', 'b', 'c'),
      to(150, 'e4'),
      { cursor: at(150, 'e4'), streams: ['a', 'b', 'c'], behind: {} },
    ],
    [
      'leaves who was behind and has not come as far as the cursor behind',
      placeStreams(all, ['b', 'c'], at(150)),
      limits('a', 'b', 'c'),
      to(120, 'e3', ['e4', 120]),
      { cursor: at(150), streams: ['b', 'c'], behind: { a: at(120, 'e3') } },
    ],
    [
      'stops each at its own end, with nothing seen beyond it',
      all,
      new Map([
        ['a', { until: 180 }],
        ['b', { until: 203 }],
        ['c', {}],
      ]),
      to(200, 'e5', ['e6', 202], ['e7', 203]),
      { cursor: at(200, 'e5', 'e6', 'e7'), streams: ['c'], behind: { a: at(180), b: at(200, 'e5') } },
    ],
    [
      'moves the cursor no further than its streams are',
      all,
      new Map([
        ['a', { until: 180 }],
        ['b', { until: 180 }],
        ['c', { until: 180 }],
      ]),
      to(200, 'e5'),
      { cursor: at(180), streams: ['a', 'b', 'c'], behind: {} },
    ],
    [
      'moves nobody back',
      all,
      limits('a', 'b', 'c'),
      to(90, 'e0'),
      { cursor: at(100, 'e1', 'e2'), streams: ['a', 'b', 'c'], behind: {} },
    ],
    [
      'takes as seen what the pass has met, and applies the rest again',
      all,
      limits('a', 'b', 'c'),
      to(100, 'e1', ['late', 101]),
      { cursor: at(100, 'e1', 'e2'), streams: [], behind: { a: at(100, 'e1'), b: at(100, 'e1'), c: at(100, 'e1') } },
    ],
  ])('%s', (_, before, participants, reached, after) => {
    expect(show(advancePositions(before, participants, reached))).toEqual(after);
  });

  it('refuses a participant without a position', () => {
    expect(() => advancePositions(all, limits('x'), to(200))).toThrow('the stream x has no position');
  });

  it('keeps the oldest of too many ids', () => {
    const marks = Array.from({ length: SEEN_MAX + 5 }, (_, i): [string, number] => [`e${i}`, 200]);
    const seen = advancePositions(all, limits('a', 'b', 'c'), to(200, 'x', ...marks)).cursor?.seen;
    expect(seen).toHaveLength(SEEN_MAX);
    expect(seen?.[0]).toBe('e0');
  });

  it('never moves the cursor or a stream back, loses no stream, and keeps ids at the cursor only', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const mark = fc.record({ id: fc.constantFrom('e1', 'e2', 'e3'), created: fc.integer({ min: 0, max: 60 }) });
    const move = fc.record({
      names: fc.uniqueArray(name),
      until: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
      place: fc.boolean(),
      through: fc.integer({ min: 0, max: 50 }),
      seen: fc.uniqueArray(mark, { selector: ({ id }) => id }),
    });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 12 }), (moves) => {
        let positions = noPositions;
        for (const { names, until, place, through, seen } of moves) {
          const before = positions;
          if (place) positions = placeStreams(positions, names, at(through));
          else {
            const known = names.filter((stream) => positionOf(positions, stream) !== undefined);
            const limited = known.map((stream, i): [string, { until?: number }] => [
              stream,
              until === undefined || i > 0 ? {} : { until },
            ]);
            positions = advancePositions(positions, new Map(limited), { through, seen });
          }
          expect(positions.cursor?.through ?? 0).toBeGreaterThanOrEqual(before.cursor?.through ?? 0);
          for (const stream of ['a', 'b', 'c', 'd']) {
            const was = positionOf(before, stream);
            const is = positionOf(positions, stream);
            if (was !== undefined) expect(is?.through).toBeGreaterThanOrEqual(was.through);
            if (is !== undefined) expect(is.through).toBeLessThanOrEqual(positions.cursor!.through);
            expect(positions.streams.has(stream) && positions.behind.has(stream)).toBe(false);
          }
          for (const position of positions.behind.values()) expect(position.seen).toEqual([]);
        }
      }),
    );
  });
});

describe('hasGap', () => {
  it('is true an hour before events since the position may be gone', () => {
    const now = 10 * EVENTS_KEPT_S;
    expect(hasGap(at(now - EVENTS_KEPT_S + 3600), now)).toBe(false);
    expect(hasGap(at(now - EVENTS_KEPT_S + 3599), now)).toBe(true);
  });
});
