import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Holds } from './holds.ts';

describe('holds', () => {
  it('read on only when no reason is left', () => {
    const stream = Readable.from([]).on('data', () => undefined);
    const holds = new Holds(stream, () => 0);
    holds.hold('destination');
    holds.hold('listener');
    holds.release('destination');
    expect([stream.isPaused(), holds.has('destination'), holds.has('listener')]).toEqual([true, false, true]);
    holds.release('listener');
    expect(stream.isPaused()).toBe(false);
  });

  it('count each wait once, also one that goes on while it is asked for', () => {
    let now = 0;
    const holds = new Holds(Readable.from([]), () => now);
    holds.hold('destination');
    now = 5;
    holds.hold('destination');
    now = 10;
    expect(holds.takeWaitedMs()).toEqual({ destination: 10, listener: 0 });
    now = 30;
    holds.release('destination');
    holds.release('destination');
    now = 100;
    expect(holds.takeWaitedMs()).toEqual({ destination: 20, listener: 0 });
    expect(holds.takeWaitedMs()).toEqual({ destination: 0, listener: 0 });
  });
});
