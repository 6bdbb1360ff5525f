import type { Clock } from '@penstock/connector-sdk';

interface Timer {
  readonly at: number;
  readonly number: number;
  readonly wake: () => void;
}

/** A clock that jumps from one sleep's end to the next as soon as nothing is left to do in between. */
export class VirtualClock implements Clock {
  #now = 0;
  #count = 0;
  /** A heap by `at`, then `number`. */
  readonly #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
    this.#push({ at: this.#now + ms, number: this.#count++, wake: resolve });
    await promise.finally(() => signal?.removeEventListener('abort', stop));
  }

  /** Lets time pass until `endMs`. */
  async runUntil(endMs: number): Promise<void> {
    for (;;) {
      // All that follows from the last step, however many promises long.
      await new Promise((done) => setImmediate(done));
      const next = this.#timers[0];
      if (next === undefined || next.at > endMs) break;
      this.#now = next.at;
      while (this.#timers[0] !== undefined && this.#timers[0].at <= this.#now) this.#pop().wake();
    }
    this.#now = endMs;
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#timers[a] as Timer, this.#timers[b] as Timer];
    return x.at < y.at || (x.at === y.at && x.number < y.number);
  }

  #swap(a: number, b: number): void {
    [this.#timers[a], this.#timers[b]] = [this.#timers[b] as Timer, this.#timers[a] as Timer];
  }

  #push(timer: Timer): void {
    let at = this.#timers.push(timer) - 1;
    while (at > 0 && this.#isBefore(at, (at - 1) >> 1)) {
      this.#swap(at, (at - 1) >> 1);
      at = (at - 1) >> 1;
    }
  }

  #pop(): Timer {
    this.#swap(0, this.#timers.length - 1);
    const timer = this.#timers.pop() as Timer;
    for (let at = 0; ; ) {
      const children = [2 * at + 1, 2 * at + 2].filter((child) => child < this.#timers.length);
      const least = children.reduce((best, child) => (this.#isBefore(child, best) ? child : best), at);
      if (least === at) return timer;
      this.#swap(at, least);
      at = least;
    }
  }
}
