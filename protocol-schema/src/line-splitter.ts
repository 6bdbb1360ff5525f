import { CodedError } from './error-code.ts';
import { LINE_BYTES_MAX } from './limit.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Called for each line: `bytes[start, end)`, newline and a CR before it excluded. Valid only during the call. */
export type OnLine = (bytes: Buffer, start: number, end: number) => void;

/**
 * Cuts chunks at newlines, on bytes, without copying: a line that lies in one chunk is given as a part of that chunk, and
 * only a line that spans chunks is put together. Holds at most one unfinished line (P4).
 */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #carry: Buffer[] = [];
  #carryBytes = 0;
  #lineNumber = 0;

  /** @param lineBytesMax longest line in bytes, newline excluded */
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
   * @throws CodedError `line_too_long` as soon as a line is known to be over the limit, before it is complete
   */
  push(chunk: Buffer, onLine: OnLine): void {
    let start = 0;
    if (this.#carryBytes > 0) {
      const newline = chunk.indexOf(NEWLINE);
      if (newline === -1) {
        this.#keep(chunk);
        return;
      }
      this.#keep(chunk.subarray(0, newline));
      const line = this.#carry.length === 1 ? this.#carry[0]! : Buffer.concat(this.#carry, this.#carryBytes);
      this.#carry = [];
      this.#carryBytes = 0;
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
    if (start < chunk.length) this.#keep(start === 0 ? chunk : chunk.subarray(start));
  }

  /** What came after the last newline, or undefined. The splitter is empty afterwards. */
  takeRest(): Buffer | undefined {
    if (this.#carryBytes === 0) return undefined;
    const rest = Buffer.concat(this.#carry, this.#carryBytes);
    this.#carry = [];
    this.#carryBytes = 0;
    this.#lineNumber += 1;
    return rest;
  }

  #give(bytes: Buffer, start: number, end: number, onLine: OnLine): void {
    this.#lineNumber += 1;
    onLine(bytes, start, end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
  }

  #keep(bytes: Buffer): void {
    if (bytes.length > 0) this.#carry.push(bytes);
    this.#carryBytes += bytes.length;
    if (this.#carryBytes > this.#lineBytesMax) this.#refuse(this.#carry[0]!, this.#carryBytes);
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
