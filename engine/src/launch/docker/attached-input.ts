import { type Duplex, Writable } from 'node:stream';

/**
 * The stdin of a container, which can be written to before there is a connection. Its end closes only the way towards the
 * container, which sees the end of its input.
 */
export class AttachedInput extends Writable {
  #connection: Duplex | undefined;
  /** The write, or the end, that waits for a connection; a stream has one of them at a time. */
  #waiting: ((connection: Duplex) => void) | undefined;

  constructor() {
    super({ highWaterMark: 64 * 1024 });
    // EPIPE after the container has left is no news: its end tells. Without a listener it would end the engine.
    this.on('error', () => undefined);
  }

  /** Writes to this connection from now on. */
  connect(connection: Duplex): void {
    connection.on('error', (error) => this.destroy(error));
    if (this.destroyed) {
      connection.destroy();
      return;
    }
    this.#connection = connection;
    connection.once('close', () => this.destroy());
    // The Engine closes its side when the container's stdin is gone; that is only seen by who reads.
    connection.resume();
    this.#waiting?.(connection);
    this.#waiting = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#use((connection) => connection.write(chunk, done));
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#use((connection) => {
      connection.cork();
      for (const [i, { chunk }] of chunks.entries())
        connection.write(chunk, i === chunks.length - 1 ? done : undefined);
      connection.uncork();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#use((connection) => connection.end(() => done()));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#waiting = undefined;
    this.#connection?.destroy();
    done(error);
  }

  #use(work: (connection: Duplex) => void): void {
    if (this.#connection === undefined) this.#waiting = work;
    else work(this.#connection);
  }
}
