import type { Writable } from 'node:stream';

/**
 * Writes text to an output, keeping to its pace. After the reader has left nothing is written any more, and that is no
 * error: `penstock sync | head` is normal.
 */
export class TextOutput {
  readonly #output: Writable;
  #gone = false;
  #drained: Promise<void> | undefined;

  constructor(output: Writable) {
    this.#output = output;
    output.on('error', () => {
      this.#gone = true;
    });
    output.on('close', () => {
      this.#gone = true;
    });
  }

  /** Whether the reader has left. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** @returns undefined when more may be written at once, else a promise of that */
  write(text: string): Promise<void> | undefined {
    if (this.#gone || text === '') return undefined;
    if (this.#output.write(text)) return undefined;
    this.#drained ??= this.#whenDrained();
    return this.#drained;
  }

  #whenDrained(): Promise<void> {
    const output = this.#output;
    return new Promise((resolve) => {
      const done = () => {
        // A reader that dies never drains.
        for (const event of ['drain', 'close', 'error'] as const) output.off(event, done);
        this.#drained = undefined;
        resolve();
      };
      for (const event of ['drain', 'close', 'error'] as const) output.on(event, done);
    });
  }

  /** Resolves when all that was written has left this process, or its reader has. */
  whenFlushed(): Promise<void> {
    if (this.#gone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#output.once('close', resolve);
      this.#output.write('', () => {
        this.#output.off('close', resolve);
        resolve();
      });
    });
  }
}
