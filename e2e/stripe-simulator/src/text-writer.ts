/** Where a writer begins, in bytes: most objects fit. */
const capacityMin = 8 * 1024;
/** Up to so many bytes are copied one by one: calling the function that copies them together takes longer. */
const loopBytesMax = 24;
const quote = 0x22;
const asciiMax = 0x7f;
const digitZero = 0x30;
const uint32Max = 0xffff_ffff;

/**
 * Puts text together as UTF-8 bytes in one growing piece of memory. A page of a list has thousands of parts; joining
 * strings, which V8 holds at two bytes a character here, and encoding the result takes several times as long.
 */
export class TextWriter {
  #bytes = Buffer.allocUnsafeSlow(capacityMin);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of memory that it holds. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** What has been written. It is the writer's own memory: good until the writer is used again. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  toString(): string {
    return this.#bytes.toString('utf8', 0, this.#length);
  }

  /** Forgets what has been written. The memory is kept. */
  clear(): void {
    this.#length = 0;
  }

  /** Writes bytes that are UTF-8: all, or those from an index to another, which isn't included. */
  bytes(source: Uint8Array, from = 0, to = source.length): void {
    this.#makeRoom(to - from);
    if (to - from <= loopBytesMax) {
      const bytes = this.#bytes;
      let at = this.#length;
      for (let i = from; i < to; i++) bytes[at++] = source[i] as number;
    } else {
      this.#bytes.set(from === 0 && to === source.length ? source : source.subarray(from, to), this.#length);
    }
    this.#length += to - from;
  }

  /** Writes text of any kind. */
  text(text: string): void {
    // No character has more than three bytes; one outside the basic plane has four, and counts as two.
    this.#makeRoom(text.length * 3);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > asciiMax) {
        this.#length = start + bytes.write(text, start);
        return;
      }
      bytes[start + i] = code;
    }
    this.#length = start + text.length;
  }

  /** Writes a JSON string of which no character needs an escape. */
  quoted(text: string): void {
    this.#byte(quote);
    this.text(text);
    this.#byte(quote);
  }

  /** Writes a number in base 10. */
  number(value: number): void {
    if (Number.isInteger(value) && value >= 0 && value <= uint32Max) this.#digits(value);
    else this.text(String(value));
  }

  #digits(value: number): void {
    let digits = 1;
    for (let bound = 10; value >= bound; bound *= 10) digits++;
    this.#makeRoom(digits);
    const bytes = this.#bytes;
    let left = value >>> 0;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const rest = Math.floor(left / 10) >>> 0;
      bytes[at] = digitZero + left - rest * 10;
      left = rest;
    }
    this.#length += digits;
  }

  #byte(byte: number): void {
    this.#makeRoom(1);
    this.#bytes[this.#length++] = byte;
  }

  #makeRoom(more: number): void {
    if (this.#length + more > this.#bytes.length) this.#grow(this.#length + more);
  }

  #grow(needed: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    bytes.set(this.written);
    this.#bytes = bytes;
  }
}

/** Text as the bytes that {@link TextWriter.bytes} takes. */
export function utf8(text: string): Uint8Array {
  return Buffer.from(text);
}

let spare: TextWriter | undefined;

/** What a function writes, as a string. */
export function textOf(write: (out: TextWriter) => void): string {
  // Taken while it is in use, so that a call inside this one gets another.
  const out = spare ?? new TextWriter();
  spare = undefined;
  out.clear();
  write(out);
  const text = out.toString();
  spare = out;
  return text;
}
