import { hashIndex, mix } from './random.ts';
import type { Simulator } from './simulator.ts';
import type { Stream } from './store/stream.ts';
import type { Happening } from './store/write-event.ts';

/** How many objects change in a second; fractions add up over time. */
export type Schedule = { create: number; update: number; delete: number };

const kinds: readonly (readonly [keyof Schedule, Happening])[] = [
  ['create', 'created'],
  ['update', 'updated'],
  ['delete', 'deleted'],
];
/** Work is done this often, so that a rate comes as a trickle and not in heaps. */
export const stepsPerSecond = 10;

/**
 * Changes objects at a given rate. What is changed is the same for the same seed and number of steps; only streams that
 * Stripe has an event type for are touched, big ones more often.
 */
export class ChangeSchedule {
  rates: Schedule;
  readonly #simulator: Simulator;
  readonly #due = { create: 0, update: 0, delete: 0 };
  readonly #able: Readonly<Record<Happening, readonly { stream: Stream; weight: number }[]>>;
  #count = 0;

  constructor(simulator: Simulator, rates: Schedule) {
    this.#simulator = simulator;
    this.rates = rates;
    const able = (what: Happening) =>
      [...simulator.store.streams.values()]
        .filter((stream) => stream.baseCount > 0 && stream.eventTypes[what] !== undefined)
        .map((stream) => ({ stream, weight: Math.sqrt(stream.baseCount) }));
    this.#able = { created: able('created'), updated: able('updated'), deleted: able('deleted') };
  }

  /** Does what falls into one step. */
  step(): void {
    for (const [rate, what] of kinds) {
      this.#due[rate] += this.rates[rate] / stepsPerSecond;
      // The allowance makes up for tenths that a double can't hold: ten of them are to be one.
      for (; this.#due[rate] >= 1 - 1e-9; this.#due[rate] -= 1) {
        const hash = hashIndex(this.#simulator.options.seed ^ 0x5eed, this.#count++);
        const stream = this.#pickStream(what, hash);
        if (stream) this.#simulator.act(what, stream, mix(hash, 1));
      }
    }
  }

  /** Streams by the square root of their size: big ones more often, small ones not never. */
  #pickStream(what: Happening, hash: number): Stream | undefined {
    const able = this.#able[what];
    const total = able.reduce((sum, one) => sum + one.weight, 0);
    let at = (hash / 2 ** 32) * total;
    for (const { stream, weight } of able) {
      at -= weight;
      if (at < 0) return stream;
    }
    return able.at(-1)?.stream;
  }
}
