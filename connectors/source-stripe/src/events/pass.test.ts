import { describe, expect, it } from 'vitest';
import { widgetEvent } from '../testing/event-world.ts';
import { eventText } from '../testing/fake-events.ts';
import { readEvent } from './event.ts';
import { beginPass, continuePass } from './pass.ts';
import { SEEN_MAX } from './position.ts';
import type { EventPage } from './read-event-pages.ts';

/** A page of events, each named after its second, as of a time; what is visible at 1000 is what came before 990. */
function page(seconds: readonly number[], more: Partial<EventPage> = {}): EventPage {
  const events = seconds.map((second, i) => readEvent(Buffer.from(eventText(widgetEvent(`e${second}_${i}`, second)))));
  return { events, date: 1000, hasMore: false, after: 'a', ...more };
}

const begin = beginPass({ through: 100, anchor: 'gone', seen: [] });
const ids = (marks: readonly { readonly id: string }[]) => marks.map(({ id }) => id);

describe('continuePass', () => {
  it.each<[string, EventPage, number, number, string, string[], boolean]>([
    ['to the present less the margin at the end of the list', page([110, 120]), 1e9, 990, 'e120_1', [], true],
    ['to the present when there is nothing new', page([]), 1e9, 990, 'a', [], true],
    [
      'to the last event while there are more, which may be of its second',
      page([110, 120, 120], { hasMore: true }),
      1e9,
      120,
      'e110_0',
      ['e120_1', 'e120_2'],
      false,
    ],
    [
      'not at all while all is of the first second',
      page([100, 100], { hasMore: true }),
      1e9,
      100,
      'a',
      ['e100_0', 'e100_1'],
      false,
    ],
    [
      'no further than what surely shows',
      page([110, 995, 998], { hasMore: true }),
      1e9,
      990,
      'e110_0',
      ['e995_1', 'e998_2'],
      false,
    ],
    [
      'to the end that is asked for, where the list goes on',
      page([110, 120], { hasMore: true }),
      115,
      115,
      'e110_0',
      [],
      true,
    ],
    ['to the end that is asked for, where the list is over', page([110]), 500, 500, 'e110_0', [], true],
    [
      'not back where Stripe has an earlier time than before',
      page([110], { date: 50 }),
      1e9,
      100,
      'a',
      ['e110_0'],
      true,
    ],
  ])('comes %s', (_, next, until, through, anchor, seen, isEnd) => {
    const step = continuePass(begin, next, until);
    expect(step.pass.through).toBe(through);
    expect(step.pass.anchor).toBe(anchor);
    expect(ids(step.pass.seen)).toEqual(seen);
    expect(step.isEnd).toBe(isEnd);
  });

  it('comes no further than what showed surely when an earlier page was read', () => {
    const first = continuePass(begin, page([110, 995], { hasMore: true }), 1e9);
    const second = continuePass(first.pass, page([1200], { date: 2000 }), 1e9);
    expect(second.pass).toMatchObject({ through: 990, anchor: 'e110_0' });
    expect(ids(second.pass.seen)).toEqual(['e995_1', 'e1200_0']);
  });

  it('gives each event once, and none from its end on', () => {
    const first = continuePass(begin, page([110, 120], { hasMore: true }), 150);
    const again = page([120, 130, 160]);
    const second = continuePass(first.pass, { ...again, events: [...first.events.slice(1), ...again.events] }, 150);
    expect(ids(second.events)).toEqual(['e120_0', 'e130_1']);
  });

  it('keeps the oldest of too many events that were seen', () => {
    const step = continuePass(
      begin,
      page(
        Array.from({ length: SEEN_MAX + 9 }, () => 110),
        { hasMore: true },
      ),
      1e9,
    );
    expect(step.pass.seen).toHaveLength(SEEN_MAX);
    expect(step.pass.seen[0]?.id).toBe('e110_0');
  });
});
