import type { LogPayload } from '@penstock/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { StallWatch } from './stall-watch.ts';

let watch: StallWatch | undefined;
afterEach(() => watch?.close());

function watchWithClock() {
  const logs: LogPayload[] = [];
  let now = 0;
  const watched = new StallWatch(
    60_000,
    (log) => logs.push(log),
    () => now,
  );
  watch = watched;
  const at = (second: number): void => {
    now = second * 1000;
    watched.look();
  };
  return { watched, at, said: () => logs.splice(0).map(({ level, message }) => `${level}: ${message}`) };
}

describe('the watch over a run that stalls', () => {
  it('warns when the time is up, and then after twice as long each time', () => {
    const { watched, at, said } = watchWithClock();
    watched.expect('No message from source/x');
    for (let second = 1; second <= 250; second++) at(second);
    expect(said()).toEqual([60, 120, 240].map((second) => `warn: No message from source/x for ${second} s.`));
  });

  it('says when it goes on, and begins anew', () => {
    const { watched, at, said } = watchWithClock();
    watched.expect('No message from source/x');
    at(75);
    watched.moved();
    watched.moved();
    expect(said()).toEqual(['warn: No message from source/x for 75 s.', 'info: It goes on, after 75 s.']);
    at(134);
    expect(said()).toEqual([]);
    at(135);
    expect(said()).toHaveLength(1);
  });

  it('is silent while nobody has to do anything', () => {
    const { watched, at, said } = watchWithClock();
    watched.expect(undefined);
    at(1000);
    expect(said()).toEqual([]);
  });
});
