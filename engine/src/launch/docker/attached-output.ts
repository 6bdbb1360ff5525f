import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { Demultiplexer } from './demultiplex.ts';

/**
 * What is read ahead in each step while nobody reads, and how often. When a container exits, the Docker Engine waits only
 * two seconds until what still lies in its pipes, up to 192 KiB, has found a place; then that is lost.
 * So a container that has said its last word must get rid of so much within that time, though its reader stalls.
 */
const AHEAD_STEP_BYTES = 128 * 1024;
const AHEAD_STEP_MS = 500;

/** What is read ahead at most while nobody reads: a minute's worth. Then the container really waits. */
const AHEAD_BYTES_MAX = 16 * 1024 * 1024;

/** How the connection ended, for {@link AttachedOutput.whenClosed}. */
export type ConnectionEnd = 'ended' | Error;

/** One output of a container, read from a connection of its own: a reader that stops reading stops the container. */
export class AttachedOutput extends Readable {
  /** Resolves when the connection is over, which can be long before its last bytes are read. Never rejects. */
  readonly whenClosed: Promise<ConnectionEnd>;
  readonly #demultiplexer = new Demultiplexer();
  #connection: Duplex | undefined;
  #resolveClosed!: (end: ConnectionEnd) => void;
  #hasBegun = false;
  #wanted = false;
  #isOver = false;
  /** Bytes until the connection is paused again, while nobody reads. */
  #aheadBytes = 0;
  #aheadTimer: NodeJS.Timeout | undefined;

  constructor() {
    super({ highWaterMark: 64 * 1024 });
    this.whenClosed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Whether anything has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Reads from this connection from now on. */
  connect(connection: Duplex): void {
    connection.on('error', (error) => this.finish(error));
    if (this.#isOver) {
      connection.destroy();
      return;
    }
    this.#connection = connection;
    connection.on('data', (chunk: Buffer) => this.#take(chunk));
    connection.once('end', () => this.finish(this.#demultiplexer.isBetweenFrames ? 'ended' : new Error(CUT)));
    connection.once('close', () => this.finish(new Error(CUT)));
    if (!this.#wanted) this.#pause();
  }

  /** There is nothing more to come. Later calls do nothing. */
  finish(end: ConnectionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#aheadTimer);
    this.#connection?.destroy();
    this.push(null);
    this.#resolveClosed(end);
  }

  override _read(): void {
    this.#wanted = true;
    clearInterval(this.#aheadTimer);
    this.#aheadTimer = undefined;
    this.#connection?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.finish('ended');
    done(error);
  }

  #take(chunk: Buffer): void {
    this.#hasBegun = true;
    try {
      this.#demultiplexer.push(chunk, (_kind, bytes) => {
        if (!this.#isOver) this.#wanted = this.push(bytes);
      });
    } catch (error) {
      this.finish(error as Error);
      return;
    }
    if (this.#wanted || this.#isOver) return;
    this.#aheadBytes -= chunk.length;
    if (this.#aheadTimer === undefined || this.#aheadBytes <= 0) this.#pause();
  }

  #pause(): void {
    this.#connection?.pause();
    this.#aheadTimer ??= setInterval(() => {
      if (this.readableLength >= AHEAD_BYTES_MAX) return;
      this.#aheadBytes = AHEAD_STEP_BYTES;
      this.#connection?.resume();
    }, AHEAD_STEP_MS);
  }
}

const CUT = 'the connection was cut';
