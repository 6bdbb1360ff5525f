import { describe, expect, it } from 'vitest';
import { FirstLoads } from './first-loads.ts';

const batch = { bytes: 1000, records: 10 };
const page = { bytes: 100, records: 1 };
const full = { bytes: 1000, records: 3 };
const look = (loads: FirstLoads, hasKeptUp = true) => loads.trickling({ hasKeptUp });

describe('a first load', () => {
  it('trickles when less than a batch came in a whole period between two looks', () => {
    const loads = new FirstLoads(['a', 'b', 'c'], batch);
    for (const [stream, size] of [
      ['a', page],
      ['b', full],
      ['c', page],
    ] as const)
      loads.came(stream, size);
    // Nobody knows yet since when.
    expect(look(loads)).toEqual([]);
    loads.came('a', page);
    loads.came('b', full);
    for (let count = 0; count < batch.records; count++) loads.came('c', { bytes: 1, records: 1 });
    expect(look(loads)).toEqual(['a']);
    loads.came('c', full);
    expect(look(loads)).toEqual(['a', 'b']);
  });

  it('does not trickle before anything of it came', () => {
    const loads = new FirstLoads(['a'], batch);
    for (let looks = 0; looks < 5; looks++) expect(look(loads)).toEqual([]);
  });

  it('is not called slow for what could not be taken', () => {
    const loads = new FirstLoads(['a'], batch);
    loads.came('a', page);
    expect(look(loads, false)).toEqual([]);
    expect(look(loads, false)).toEqual([]);
    expect(look(loads)).toEqual(['a']);
  });

  it('ends once, and only where an index is missing', () => {
    const loads = new FirstLoads(['a'], batch);
    loads.came('b', page);
    expect([loads.end('b'), loads.end('a'), loads.end('a')]).toEqual([false, true, false]);
    loads.came('a', page);
    look(loads);
    expect(look(loads)).toEqual([]);
    expect(loads.streams).toEqual([]);
  });
});
