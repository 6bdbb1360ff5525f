import { hashIndex, unit } from './random.ts';

/** The ways in which objects can lie in time. */
export const distributionNames = ['uniform', 'recent-heavy', 'burst', 'one-second'] as const;

/** The name of a distribution in time. */
export type DistributionName = (typeof distributionNames)[number];

/** Where a burst stands in the span, and how long it lasts. */
const burstAt = 0.7;
const burstSeconds = 3600;
const burstShare = 0.3;

/**
 * The share of the time span before which the given share of the objects lies: a monotone function from [0, 1] to [0, 1].
 *
 * - `uniform`: evenly
 * - `recent-heavy`: 90 % in the last 10 % of the time
 * - `burst`: 30 % within one hour, the rest evenly
 * - `one-second`: all in the second at the middle
 */
export function quantile(name: DistributionName, share: number, spanSeconds: number): number {
  switch (name) {
    case 'uniform':
      return share;
    case 'recent-heavy':
      return share < 0.1 ? share * 9 : 0.9 + ((share - 0.1) / 0.9) * 0.1;
    case 'burst': {
      const width = Math.min(1, burstSeconds / Math.max(1, spanSeconds));
      const start = burstAt * (1 - width);
      const before = (1 - burstShare) * burstAt;
      if (share < before) return (share / before) * start;
      if (share < before + burstShare) return start + ((share - before) / burstShare) * width;
      return start + width + ((share - before - burstShare) / (1 - before - burstShare)) * (1 - start - width);
    }
    case 'one-second':
      return 0.5;
  }
}

/** When each object of a stream was created, by its rank from the oldest (0) up. */
export type Timeline = {
  /** Seconds since the epoch; never falls as the rank rises. */
  createdAt(rank: number): number;
};

/** Objects stand in blocks of this many; the odd number lets every page boundary fall into a tie now and then. */
const blockSize = 7;

/**
 * Lays `count` objects into the span [from, to). Of every seven neighbours three share one second, so that ties in
 * `created` occur in every distribution, and also across page boundaries.
 *
 * @param from first second
 * @param to second after the last
 */
export function timeline(name: DistributionName, count: number, from: number, to: number, seed: number): Timeline {
  const span = Math.max(1, to - from);
  return {
    createdAt(rank) {
      const inBlock = rank % blockSize;
      const place = inBlock === 2 || inBlock === 3 ? rank - inBlock + 1 : rank;
      const share = (place + unit(hashIndex(seed, place))) / count;
      return from + Math.min(span - 1, Math.floor(quantile(name, share, span) * span));
    },
  };
}

/**
 * The lowest rank whose `created` is at least the given second: binary search, so a time range costs O(log n).
 *
 * @param size number of ranks
 */
export function firstRankFrom(createdAt: (rank: number) => number, size: number, second: number): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (createdAt(middle) < second) low = middle + 1;
    else high = middle;
  }
  return low;
}
