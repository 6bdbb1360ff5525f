import { CodedError } from './error-code.ts';
import { LINE_BYTES_MAX } from './limit.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Called for each line: `bytes[start, end)`, newline and a CR before it excluded. The splitter never writes to these bytes
 * again: they may be kept for as long as the chunk that was pushed is not written over by its owner.
 */
export type OnLine = (bytes: Buffer, start: number, end: number) => void;

/**
 * Cuts chunks at newlines, on bytes. A line that lies in one chunk is given as a part of that chunk, without copying; only
 * a line that spans chunks is put together, in memory of its own. Holds one unfinished line at most (P4).
 */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #carry = Buffer.alloc(0);
  #carryBytes = 0;
  #lineNumber = 0;
  #failure: { readonly error: unknown } | undefined;

  /** @param lineBytesMax longest line in bytes, newline excluded (a CR before it counts) */
  constructor(lineBytesMax: number = LINE_BYTES_MAX) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Number of the line that is being given to the callback, or was last; the first is 1. */
  get lineNumber(): number {
    return this.#lineNumber;
  }

  /** Bytes held of a line whose newline has not come yet. */
  get pendingBytes(): number {
    return this.#carryBytes;
  }

  /**
   * Gives every line that ends in this chunk to the callback, in order. When the callback throws, or a line is refused, the
   * rest of the chunk is lost, and nobody knows where in a line the next one begins. So that is the end: the splitter is
   * empty, and every later push throws the same error.
   *
   * @throws CodedError `line_too_long` as soon as a line is known to be over the limit, before it is complete
   */
  push(chunk: Buffer, onLine: OnLine): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    try {
      this.#push(chunk, onLine);
    } catch (error) {
      this.#failure = { error };
      this.#dropCarry();
      throw error;
    }
  }

  #push(chunk: Buffer, onLine: OnLine): void {
    let start = 0;
    if (this.#carryBytes > 0) {
      const newline = chunk.indexOf(NEWLINE);
      this.#keep(chunk, 0, newline === -1 ? chunk.length : newline);
      if (newline === -1) return;
      const line = this.#carry.subarray(0, this.#carryBytes);
      this.#dropCarry();
      this.#give(line, 0, line.length, onLine);
      start = newline + 1;
    }
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, start);
      if (newline === -1) break;
      if (newline - start > this.#lineBytesMax) this.#refuse(chunk.subarray(start), newline - start);
      this.#give(chunk, start, newline, onLine);
      start = newline + 1;
    }
    this.#keep(chunk, start, chunk.length);
  }

  /**
   * What came after the last newline, or undefined. Whether it is a line (a file that ends without a newline) or half a
   * line (a process that died) is for the caller to say. The splitter is empty afterwards.
   */
  takeRest(): Buffer | undefined {
    if (this.#carryBytes === 0) return undefined;
    const rest = this.#carry.subarray(0, this.#carryBytes);
    this.#dropCarry();
    this.#lineNumber += 1;
    return rest;
  }

  #give(bytes: Buffer, start: number, end: number, onLine: OnLine): void {
    this.#lineNumber += 1;
    onLine(bytes, start, end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
  }

  /** Its memory is not used again, since whoever was given the line may keep it. */
  #dropCarry(): void {
    this.#carry = Buffer.alloc(0);
    this.#carryBytes = 0;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const needed = this.#carryBytes + end - start;
    if (needed > this.#lineBytesMax) {
      this.#refuse(this.#carryBytes > 0 ? this.#carry.subarray(0, this.#carryBytes) : chunk.subarray(start), needed);
    }
    if (needed > this.#carry.length) {
      // Doubled, so that a line in many small chunks is not copied once for each of them.
      const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, 2 * this.#carry.length), this.#lineBytesMax));
      this.#carry.copy(grown, 0, 0, this.#carryBytes);
      this.#carry = grown;
    }
    chunk.copy(this.#carry, this.#carryBytes, start, end);
    this.#carryBytes = needed;
  }

  #refuse(head: Buffer, bytes: number): never {
    // The stream stands near the start of a line even where the rest of it is out of the canonical order.
    const stream = /"stream"\s*:\s*"([^"]{1,200})"/.exec(head.toString('utf8', 0, 4096))?.[1];
    const whose = stream === undefined ? '' : ` (stream "${stream}")`;
    throw new CodedError('line_too_long', {
      message: `Line ${this.#lineNumber + 1}${whose} is at least ${bytes} bytes long; at most ${this.#lineBytesMax} are allowed.`,
    });
  }
}
