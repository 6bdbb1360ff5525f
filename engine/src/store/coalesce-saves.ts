/**
 * Runs one write at a time; of the values that come in meanwhile only the newest is written, and all who wait are told
 * when it is. Memory is bounded by one waiting value (P4). After a write has failed nothing is written any more.
 */
export class CoalescedSaves<T> {
  readonly #write: (value: T) => Promise<void>;
  #running: Promise<void> | undefined;
  #waiting: { value: T; readonly written: Promise<void> } | undefined;

  /** @param write makes a value durable; its rejection is given to everyone from then on */
  constructor(write: (value: T) => Promise<void>) {
    this.#write = write;
  }

  /** @returns when this value, or one that came after it, is written */
  save(value: T): Promise<void> {
    if (this.#waiting !== undefined) {
      this.#waiting.value = value;
      return this.#waiting.written;
    }
    if (this.#running === undefined) return this.#run(value);
    // A failed write is passed on to those who wait: nothing of theirs can be written either.
    const written = this.#running.then(() => {
      const newest = this.#waiting!.value;
      this.#waiting = undefined;
      return this.#run(newest);
    });
    this.#waiting = { value, written };
    return written;
  }

  /** Resolves when nothing is being written any more, however that ended. */
  async whenIdle(): Promise<void> {
    while (this.#running !== undefined) {
      const failed = await (this.#waiting?.written ?? this.#running).then(
        () => false,
        () => true,
      );
      if (failed) return;
    }
  }

  #run(value: T): Promise<void> {
    const running = this.#write(value).then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
