/** Stderr that is kept for each process, for the error report: 64 KiB. */
export const STDERR_BYTES_KEPT = 64 * 1024;

/** Keeps the last bytes of what was pushed and forgets the rest (P4). */
export class TextTail {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number = STDERR_BYTES_KEPT) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes - this.#chunks[0]!.length >= this.#bytesMax) this.#bytes -= this.#chunks.shift()!.length;
  }

  /** What is kept, cut in front where it is too long. */
  toString(): string {
    const all = Buffer.concat(this.#chunks, this.#bytes);
    return all.subarray(Math.max(0, all.length - this.#bytesMax)).toString('utf8');
  }
}
