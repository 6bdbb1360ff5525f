/** Bytes before each record's JSON: field count, length and value of `n`, length of the jsonb, its version. */
const rowHeadBytes = 15;
const jsonbVersion = 1;
const firstBytes = 16 * 1024;
const doublingBytesMax = 256 * 1024;
/** Room for the record that makes a batch full. */
const spareBytes = 64 * 1024;
/** A CopyData message of this size lets Postgres parse while the rest is on its way. */
const chunkBytes = 256 * 1024;

/** The signature of binary COPY data, no flags, no extension (Postgres manual, COPY, File Formats). */
const copyHead = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const copyTail = Buffer.from([0xff, 0xff]);

/**
 * Records of one stream on their way into the stage, in the order of arrival, as rows `(n integer, data jsonb)` of a binary
 * COPY. Binary needs no escaping: a record's bytes are copied as they are, once, so a batch holds on to no input buffer.
 */
export class Batch {
  readonly stream: string;
  readonly #bytesMax: number;
  readonly #spare: Buffer<ArrayBuffer>[];
  #buffer = Buffer.allocUnsafeSlow(firstBytes);
  #end = 0;
  readonly #starts: number[] = [];
  readonly #lineNumbers: number[] = [];
  /** Records that took the slow path after all, by index. */
  readonly #replaced = new Map<number, Buffer>();

  /**
   * @param bytesMax where it is expected to be full; one record more still fits
   * @param spare buffers of earlier batches, to be used again: new ones for every batch keep the garbage collector busy
   */
  constructor(stream: string, bytesMax: number, spare: Buffer<ArrayBuffer>[] = []) {
    this.stream = stream;
    this.#bytesMax = bytesMax;
    this.#spare = spare;
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Bytes of the rows, what Postgres has to be sent. */
  get bytes(): number {
    return this.#end;
  }

  /** The number of the input line that brought a record. */
  lineNumber(index: number): number {
    return this.#lineNumbers[index]!;
  }

  /** @param data one JSON object as text, copied */
  add(data: Uint8Array, lineNumber: number): void {
    const start = this.#end;
    const end = start + rowHeadBytes + data.length;
    if (end > this.#buffer.length) this.#grow(end);
    writeRowHead(this.#buffer, start, this.count, data.length);
    this.#buffer.set(data, start + rowHeadBytes);
    this.#starts.push(start);
    this.#lineNumbers.push(lineNumber);
    this.#end = end;
  }

  /** The JSON of a record. */
  data(index: number): Buffer {
    const row =
      this.#replaced.get(index) ?? this.#buffer.subarray(this.#starts[index], this.#starts[index + 1] ?? this.#end);
    return row.subarray(rowHeadBytes);
  }

  isReplaced(index: number): boolean {
    return this.#replaced.has(index);
  }

  /** Sends other JSON for a record from now on. */
  replace(index: number, data: Uint8Array): void {
    const row = Buffer.allocUnsafeSlow(rowHeadBytes + data.length);
    writeRowHead(row, 0, index, data.length);
    row.set(data, rowHeadBytes);
    this.#replaced.set(index, row);
  }

  /** Binary COPY data of these records (indexes, ascending), in pieces fit for sending. */
  *copyData(indexes: readonly number[]): Generator<Buffer> {
    yield copyHead;
    for (let at = 0; at < indexes.length; ) {
      const first = indexes[at]!;
      const replaced = this.#replaced.get(first);
      if (replaced) {
        yield replaced;
        at++;
        continue;
      }
      let last = first;
      while (indexes[++at] === last + 1 && !this.#replaced.has(last + 1)) last++;
      const end = this.#starts[last + 1] ?? this.#end;
      for (let start = this.#starts[first]!; start < end; start += chunkBytes)
        yield this.#buffer.subarray(start, Math.min(end, start + chunkBytes));
    }
    yield copyTail;
  }

  /**
   * Gives its buffer to later batches; it must not be used any more.
   *
   * @param sparesMax with so many kept already it goes: many streams at once have more batches than are ever full at once
   */
  release(sparesMax: number): void {
    const isFull = this.#buffer.length === this.#bytesMax + spareBytes;
    if (isFull && this.#spare.length < sparesMax) this.#spare.push(this.#buffer);
    this.#buffer = Buffer.alloc(0);
  }

  /** Doubles while small, then takes all at once: memory that isn't written to costs nothing, copying it again does. */
  #grow(needed: number): void {
    const full = this.#bytesMax + spareBytes;
    const larger =
      needed <= doublingBytesMax || needed > full
        ? Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length))
        : (this.#spare.pop() ?? Buffer.allocUnsafeSlow(full));
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }
}

function writeRowHead(target: Buffer, at: number, n: number, dataBytes: number): void {
  let offset = target.writeInt16BE(2, at);
  offset = target.writeInt32BE(4, offset);
  offset = target.writeInt32BE(n, offset);
  offset = target.writeInt32BE(dataBytes + 1, offset);
  target.writeUInt8(jsonbVersion, offset);
}
