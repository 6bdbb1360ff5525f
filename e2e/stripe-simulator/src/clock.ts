/** The simulator's own clock, which may stand apart from the machine's and be put forward. */
export type Clock = {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Whole seconds since the epoch, as Stripe's `created` has them. */
  nowS(): number;
  /** Puts the clock forward (or back, where the number is negative). */
  advance(seconds: number): void;
};

/** A clock that is `offsetS` seconds ahead of the machine's. */
export function offsetClock(offsetS: number, machineMs: () => number = Date.now): Clock {
  let offsetMs = offsetS * 1000;
  const nowMs = () => machineMs() + offsetMs;
  return {
    nowMs,
    nowS: () => Math.floor(nowMs() / 1000),
    advance: (seconds) => {
      offsetMs += seconds * 1000;
    },
  };
}
