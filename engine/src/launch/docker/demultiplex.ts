/** Bytes before each piece of a container's output: kind, three zeros, length as a big-endian number (Docker Engine API). */
const HEADER_BYTES = 8;

/** What a piece of output is: the kinds are those of the Engine API. */
export type OutputKind = 'stdin' | 'stdout' | 'stderr';

const kinds: readonly OutputKind[] = ['stdin', 'stdout', 'stderr'];

/**
 * Takes the frames apart in which the Docker Engine sends the output of a container without a terminal. Chunks may be cut
 * anywhere. The pieces are slices of the chunks: nothing is copied but a header that lies across two chunks.
 */
export class Demultiplexer {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #kind: OutputKind = 'stdout';
  /** Of the frame's content, still to come. */
  #rest = 0;

  /**
   * Gives the pieces of content in the chunk, in their order; a frame may come in several.
   *
   * @throws Error when the bytes are no frames
   */
  push(chunk: Buffer, give: (kind: OutputKind, bytes: Buffer) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#rest > 0) {
        const end = Math.min(chunk.length, at + this.#rest);
        this.#rest -= end - at;
        give(this.#kind, chunk.subarray(at, end));
        at = end;
        continue;
      }
      const end = Math.min(chunk.length, at + HEADER_BYTES - this.#headerBytes);
      this.#headerBytes += chunk.copy(this.#header, this.#headerBytes, at, end);
      at = end;
      if (this.#headerBytes === HEADER_BYTES) this.#beginFrame();
    }
  }

  /** Whether the bytes so far end with a whole frame: a connection that ends elsewhere was cut. */
  get isBetweenFrames(): boolean {
    return this.#rest === 0 && this.#headerBytes === 0;
  }

  #beginFrame(): void {
    const kind = kinds[this.#header[0]!];
    if (kind === undefined || this.#header.readUIntBE(1, 3) !== 0) {
      throw new Error(`these bytes are no frame of output: ${this.#header.toString('hex')}`);
    }
    this.#kind = kind;
    this.#rest = this.#header.readUInt32BE(4);
    this.#headerBytes = 0;
  }
}
