import type { Clock } from '../clock.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that goes on only when it is told to, or, with `autoAdvance`, straight to the end of each sleep. */
export class FakeClock implements Clock {
  readonly #autoAdvance: boolean;
  #now: number;
  #sleepers: Sleeper[] = [];
  /** How long each sleep was asked to be, in milliseconds, in order. */
  readonly slept: number[] = [];

  constructor(options: { readonly now?: number; readonly autoAdvance?: boolean } = {}) {
    this.#now = options.now ?? Date.UTC(2026, 0, 1);
    this.#autoAdvance = options.autoAdvance ?? false;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    if (this.#autoAdvance) {
      this.#now += ms;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { until: this.#now + ms, wake: resolve };
    const onAbort = (): void => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#sleepers.push(sleeper);
    await promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Lets time pass; everybody whose sleep is over by then wakes, the earliest first. */
  advance(ms: number): void {
    this.#now += ms;
    const awake = this.#sleepers.filter((sleeper) => sleeper.until <= this.#now).sort((a, b) => a.until - b.until);
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.until > this.#now);
    for (const sleeper of awake) sleeper.wake();
  }
}
