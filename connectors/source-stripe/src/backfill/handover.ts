/**
 * Where many tasks put what they have and one reader takes it, in the order in which it was put. A task waits until its
 * item was taken, so nothing piles up (P4).
 */
export class Handover<T> {
  readonly #waiting: { readonly item: T; readonly taken: () => void }[] = [];
  #wake: () => void = () => undefined;
  #isClosed = false;
  #failure: { readonly error: unknown } | undefined;

  /** Resolves when the reader has taken the item and asked for the next one; never, once the reader is gone. */
  put(item: T): Promise<void> {
    return new Promise((taken) => {
      this.#waiting.push({ item, taken });
      this.#wake();
    });
  }

  /** Nothing more will be put: the reader ends after what was put before. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** The reader throws this at once. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      const next = this.#waiting.shift();
      if (next !== undefined) {
        yield next.item;
        next.taken();
      } else if (this.#isClosed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
