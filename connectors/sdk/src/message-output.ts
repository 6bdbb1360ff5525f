import type { Writable } from 'node:stream';
import { encodeMessage, type LogPayload, type Message, message } from '@penstock/protocol';
import { FLUSH_CHARS, LOG_WAITING_CHARS_MAX } from './limit.ts';

/**
 * The only writer of stdout. Small lines are put together and leave when the program next waits for something, or earlier
 * when there are many of them; while the reader does not read, {@link whenReady} holds back whoever asks, so memory stays
 * bounded (P4). A reader that is gone is no error: everything after is dropped and `onClosed` is told once.
 */
export class MessageOutput {
  readonly #stream: Writable;
  readonly #onClosed: (error: Error) => void;
  #waiting: string[] = [];
  #waitingChars = 0;
  #waitingLogChars = 0;
  #droppedLogs = 0;
  #flushScheduled = false;
  #turnDue = false;
  #closed = false;
  #released: (() => void)[] = [];

  /** @param onClosed called once, when writing failed: with `EPIPE` the reader is gone */
  constructor(stream: Writable, onClosed: (error: Error) => void) {
    this.#stream = stream;
    this.#onClosed = onClosed;
    stream.on('drain', () => {
      this.#release();
      this.#flush();
    });
    // Stays attached: each write that was under way reports its own error.
    stream.on('error', (error) => {
      if (this.#closed) return;
      this.#closed = true;
      this.#waiting = [];
      this.#release();
      this.#onClosed(error);
    });
  }

  /** Whether nothing can be written any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Undefined when more may be written at once, else resolves when it may: the reader took what was written before, or is
   * gone. Never rejects. From time to time it makes the caller wait a turn of the event loop even so, because a source
   * that always has something to say would otherwise never let a signal through.
   */
  whenReady(): Promise<void> | undefined {
    if (this.#closed) return undefined;
    if (this.#stream.writableNeedDrain) {
      // It comes in a turn of its own.
      this.#turnDue = false;
      return new Promise((resolve) => {
        this.#released.push(resolve);
      });
    }
    if (!this.#turnDue) return undefined;
    this.#turnDue = false;
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  /** One whole line, newline included. Call only when ready. */
  writeLine(line: string): void {
    if (this.#closed) return;
    this.#waiting.push(line);
    this.#waitingChars += line.length;
    if (this.#waitingChars >= FLUSH_CHARS) {
      this.#flush();
      this.#turnDue = true;
    } else this.#scheduleFlush();
  }

  /**
   * Whole lines, newlines included. They are not copied: the buffer must not change before `onWritten` is called, which it
   * may never be. Call only when ready.
   */
  writeBytes(lines: Buffer, onWritten: () => void): void {
    if (this.#closed) return;
    // In one write, with what waits.
    this.#stream.cork();
    this.#takeWaiting();
    this.#stream.write(lines, onWritten);
    this.#stream.uncork();
    this.#turnDue = true;
  }

  /** Like {@link writeLine}. */
  writeMessage(item: Message): void {
    this.writeLine(encodeMessage(item));
  }

  /** Waits until ready, then writes. */
  async send(item: Message): Promise<void> {
    await this.whenReady();
    this.writeMessage(item);
  }

  /** A log line, at once and from anywhere. When too many wait for the reader, further ones are counted and dropped. */
  writeLog(payload: LogPayload): void {
    const line = encodeMessage(message.log(payload));
    if (this.#waitingLogChars + line.length > LOG_WAITING_CHARS_MAX) {
      this.#droppedLogs += 1;
      return;
    }
    if (this.#droppedLogs > 0) {
      const text = `${this.#droppedLogs} log messages were dropped because nobody read the output.`;
      this.#droppedLogs = 0;
      this.writeMessage(message.log({ level: 'warn', message: text }));
    }
    this.#waitingLogChars += line.length;
    this.writeLine(line);
  }

  /** Resolves when everything has left the program, or can't any more. Never rejects. */
  async whenWritten(): Promise<void> {
    while (!this.#closed && (this.#stream.writableNeedDrain || this.#waiting.length > 0)) {
      await this.whenReady();
      this.#flush();
    }
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#released.push(resolve);
      this.#stream.write('', () => resolve());
    });
  }

  /** Nothing more goes out: the command has ended, whatever of it may still run. */
  end(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#release();
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    // A turn of the event loop comes only when every promise that is settled has been dealt with, that is, when the
    // connector waits for something: what it said before doesn't wait with it.
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#turnDue = false;
      this.#flush();
    });
  }

  /** While the reader is behind, lines stay here, where they are counted; `drain` comes back to them. */
  #flush(): void {
    if (!this.#closed && !this.#stream.writableNeedDrain) this.#takeWaiting();
  }

  #takeWaiting(): void {
    if (this.#waiting.length === 0) return;
    const text = this.#waiting.length === 1 ? this.#waiting[0]! : this.#waiting.join('');
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#waitingLogChars = 0;
    this.#stream.write(text);
  }

  #release(): void {
    const released = this.#released;
    this.#released = [];
    for (const resolve of released) resolve();
  }
}
