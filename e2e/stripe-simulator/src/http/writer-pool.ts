import { TextWriter } from '../text-writer.ts';

/** More writers than this are not kept: most clients have a few connections. */
const sparesMax = 16;
/** A writer that has grown beyond this, in bytes, is not kept. A page of a hundred objects has up to half of it. */
const capacityMax = 1024 * 1024;

/**
 * Writers for answers, used again once an answer is out: to fill the same memory costs a fraction of what new memory for
 * every answer does. A writer that isn't given back is only forgotten.
 */
export class WriterPool {
  readonly #spare: TextWriter[] = [];

  /** A writer that is empty and nobody else's. */
  take(): TextWriter {
    return this.#spare.pop() ?? new TextWriter();
  }

  /** Gives a writer back. Nobody may look at what it has written any more. */
  give(writer: TextWriter): void {
    if (this.#spare.length >= sparesMax || writer.capacity > capacityMax) return;
    writer.clear();
    this.#spare.push(writer);
  }
}
