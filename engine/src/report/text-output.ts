import type { Writable } from 'node:stream';

/**
 * Writes text to an output, keeping to its pace. After the reader has left nothing is written any more, and that is no
 * error: `penstock sync | head` is normal.
 */
export class TextOutput {
  readonly #output: Writable;
  /** Called when there is nothing to wait for any more. */
  readonly #waiting = new Set<() => void>();
  #gone = false;
  #waits = true;
  #drained: Promise<void> | undefined;

  constructor(output: Writable) {
    this.#output = output;
    // A reader that dies never drains.
    for (const event of ['error', 'close'] as const) {
      output.on(event, () => {
        this.#gone = true;
        this.stopWaiting();
      });
    }
  }

  /** Whether the reader has left. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** From now on nobody waits for the reader, which may have stalled: what is written goes out when it can. */
  stopWaiting(): void {
    this.#waits = false;
    for (const done of this.#waiting) done();
  }

  /** @returns undefined when more may be written at once, else a promise of that */
  write(text: string): Promise<void> | undefined {
    if (this.#gone || text === '') return undefined;
    if (this.#output.write(text) || !this.#waits) return undefined;
    this.#drained ??= this.#whenDrained();
    return this.#drained;
  }

  #whenDrained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#output.off('drain', done);
        this.#waiting.delete(done);
        this.#drained = undefined;
        resolve();
      };
      this.#waiting.add(done);
      this.#output.on('drain', done);
    });
  }

  /** Resolves when all that was written has left this process, or its reader has. */
  whenFlushed(): Promise<void> {
    if (!this.#waits) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      this.#output.write('', done);
    });
  }
}
