import type { PageEnd } from './advance.ts';

/** How densely objects lie below a second, as far as the pages read so far tell. */
export interface Density {
  /** The second down to which this was seen. */
  readonly at: number;
  /** Objects a second, just above `at`. */
  readonly perSecond: number;
  /** Since when going back from the newest object they lie about as densely: the top of a burst, or of the range. */
  readonly from: number;
}

/** Objects that were read in some time, of one query of a stream. */
export interface Coverage {
  readonly objects: number;
  readonly seconds: number;
}

/** Pages that differ by more than this factor are not of the same burst. Chance alone makes a page of 100 vary by a tenth. */
const SAME_DENSITY = 4;
/** Weight of the newest page: old ones fade, so that a slope is followed. */
const NEWEST_WEIGHT = 0.5;

/**
 * How fast what exceeds the average falls with the distance: 1 would be as the length that was seen to the distance. A
 * little more than that found bursts of an hour in three years and left single seconds alone in simulations.
 */
const BURST_FADING = 1.25;

/** What is known of the density after another page that came newest first. */
export function densityAfter(known: Density | undefined, page: PageEnd & { newest: number; oldest: number }): Density {
  // A page within one second says that at least so many objects lie in it.
  const perSecond = page.count / Math.max(1, page.newest - page.oldest);
  const at = page.oldest;
  if (known === undefined) return { at, perSecond, from: page.newest };
  const ratio = perSecond / known.perSecond;
  if (ratio > SAME_DENSITY || ratio < 1 / SAME_DENSITY) return { at, perSecond, from: page.newest };
  const faded = known.perSecond * (1 - NEWEST_WEIGHT) + perSecond * NEWEST_WEIGHT;
  return { at, perSecond: faded, from: Math.max(known.from, page.newest) };
}

/** Objects a second over everything that was read; 0 before anything was. */
export function averageOf({ objects, seconds }: Coverage): number {
  return seconds === 0 ? 0 : objects / seconds;
}

/**
 * Objects to be expected between two seconds below `density.at`.
 *
 * Where it is no denser than on average, that goes on evenly. Where it is denser, nobody knows how long a burst lasts; one
 * that was seen for a time will, as likely as not, go on for as long again. So what exceeds the average is taken to fall
 * with the distance, over the length that was seen: half of it then lies close by, whatever the length of the range is.
 *
 * @param newer upper bound, exclusive
 * @param older lower bound, inclusive
 */
export function expectedBetween(density: Density, average: number, newer: number, older: number): number {
  const near = Math.max(0, density.at - newer);
  const far = Math.max(near, density.at - older);
  const even = Math.min(density.perSecond, average);
  const length = Math.max(1, density.from - density.at);
  // The integral of (length / (length + distance)) ^ BURST_FADING over the distance.
  const fade = (distance: number): number => ((length + distance) / length) ** (1 - BURST_FADING);
  const excess = ((density.perSecond - even) * length * (fade(near) - fade(far))) / (BURST_FADING - 1);
  return even * (far - near) + excess;
}

/**
 * The second down from `newer` to which about `count` objects are to be expected, between `older` and `newer`.
 */
export function secondAfter(density: Density, average: number, newer: number, older: number, count: number): number {
  let low = older;
  let high = newer;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (expectedBetween(density, average, newer, middle) > count) low = middle + 1;
    else high = middle;
  }
  return low;
}
