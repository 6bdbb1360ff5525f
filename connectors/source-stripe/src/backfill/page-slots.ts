/** Gives a slot back. Calling it again does nothing. */
export type Release = () => void;

interface Waiter {
  readonly grant: () => void;
}

/**
 * A bounded number of slots for which two lines stand: the first one is always served before the second. So every stream
 * gets its first page before any gets its second.
 */
export class PageSlots {
  #free: number;
  readonly #first: Waiter[] = [];
  readonly #rest: Waiter[] = [];

  /** @param count at least 1 */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Waits for a slot.
   *
   * @param isFirst stands in the line that is served first
   * @throws the signal's reason as soon as it is aborted
   */
  async acquire(isFirst: boolean, signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return this.#release();
    }
    const line = isFirst ? this.#first : this.#rest;
    await new Promise<void>((resolve, reject) => {
      const waiter = {
        grant: () => {
          signal.removeEventListener('abort', stop);
          resolve();
        },
      };
      const stop = (): void => {
        line.splice(line.indexOf(waiter), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
      line.push(waiter);
    });
    return this.#release();
  }

  #release(): Release {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#first.shift() ?? this.#rest.shift();
      if (next === undefined) this.#free++;
      else next.grant();
    };
  }
}
