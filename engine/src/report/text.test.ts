import { describe, expect, it } from 'vitest';
import { lineText, paint, wantsColor } from './paint.ts';
import { clip, formatCount, formatDuration, formatInstant, formatRate, listNames, oneLine, wrap } from './text.ts';

it.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [1234567, '1,234,567'],
])('the count %d is %s', (count, text) => expect(formatCount(count)).toBe(text));

it.each([
  [0, ''],
  [0.4, '0.4/s'],
  [9.94, '9.9/s'],
  [9.96, '10/s'],
  [1234.5, '1,235/s'],
])('the rate %d is %j', (rate, text) => expect(formatRate(rate)).toBe(text));

it.each([
  [0, '0.0s'],
  [9_900, '9.9s'],
  [9_960, '10s'],
  [59_600, '1m 00s'],
  [3_599_600, '1h 00m'],
  [90_000_000, '1d 01h'],
])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

it('an instant is shown to the second, and what is none stays as it is', () => {
  expect(formatInstant('2026-01-31T12:00:00.123Z')).toBe('2026-01-31 12:00:00Z');
  expect(formatInstant('soon')).toBe('soon');
});

it('text of others can neither break a line nor steer the terminal', () => {
  expect(oneLine('a\r\nb\u001b[31mc\u0000\u2028d\n')).toBe('a b [31mc d');
});

it('clipping keeps whole characters', () => {
  expect(clip('🦆🦆🦆', 2)).toBe('🦆…');
  expect(clip('abc', 3)).toBe('abc');
  expect(clip('abc', 0)).toBe('');
});

it('wrapped lines keep to the width and to the number of lines', () => {
  expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  expect(wrap('one two three four', 9, 2)).toEqual(['one two', 'three fo…']);
  expect(wrap('unbreakable', 5)).toEqual(['unbr…']);
  expect(wrap('one two', Number.POSITIVE_INFINITY)).toEqual(['one two']);
});

it('names that do not fit are counted', () => {
  expect(listNames(['a', 'b', 'c'], 20)).toBe('a, b, c');
  expect(listNames(['aaaa', 'bbbb', 'cccc'], 15)).toBe('aaaa and 2 more');
  expect(listNames(['aaaa', 'bbbb'], 3)).toBe('');
});

describe('colours', () => {
  it('are left out where they are not wanted', () => {
    expect(
      paint(
        [
          ['a', 'red'],
          ['b', 'plain'],
          [' ', 'dim'],
        ],
        false,
      ),
    ).toBe('ab');
    expect(
      paint(
        [
          ['a', 'red'],
          ['b', 'plain'],
        ],
        true,
      ),
    ).toBe('\u001b[31ma\u001b[39mb');
    expect(
      lineText([
        ['a', 'red'],
        ['b', 'plain'],
      ]),
    ).toBe('ab');
  });

  it('are wanted on a terminal only, and not with NO_COLOR', () => {
    expect(wantsColor({ isTTY: true }, {})).toBe(true);
    expect(wantsColor({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColor({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(wantsColor({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(wantsColor({}, {})).toBe(false);
  });
});
