/** Blocks are multiples of this, in bytes, so that one fits for many sizes. */
const BLOCK_BYTES = 64 * 1024;

/** Free blocks that are kept, in bytes; further ones are left to V8 (P4). */
const FREE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Memory that is used again. V8 frees a buffer only when it clears its heap, which it does the sooner the more of them there
 * are: taking new ones for each page of records costs more than reading the page.
 *
 * Whoever takes a buffer may keep it, or give it back when nobody will look at it or any part of it again.
 */
export class BufferPool {
  readonly #free: Buffer[] = [];
  #freeBytes = 0;
  /** The blocks of those that were taken. */
  readonly #blocks = new WeakMap<Buffer, Buffer>();

  /** A buffer of this length, with anything in it. */
  take(bytes: number): Buffer {
    const block = this.#takeBlock(bytes);
    const buffer = block.subarray(0, bytes);
    this.#blocks.set(buffer, block);
    return buffer;
  }

  #takeBlock(bytes: number): Buffer {
    const at = this.#free.findLastIndex(({ length }) => length >= bytes);
    // Where none is large enough, the oldest makes room for a larger one.
    const [block] = this.#free.splice(Math.max(at, 0), 1);
    this.#freeBytes -= block?.length ?? 0;
    if (at !== -1) return block as Buffer;
    return Buffer.allocUnsafeSlow(Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES);
  }

  /** Takes a buffer back; does nothing for one that isn't from here, or that was given back before. */
  giveBack(buffer: Buffer): void {
    const block = this.#blocks.get(buffer);
    if (block === undefined) return;
    this.#blocks.delete(buffer);
    if (this.#freeBytes + block.length > FREE_BYTES_MAX) return;
    this.#free.push(block);
    this.#freeBytes += block.length;
  }
}
