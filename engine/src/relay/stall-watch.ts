import type { LogPayload } from '@penstock/protocol';

/** How long one side may keep the run waiting before that is said. */
export const STALL_TIMEOUT_MS = 60_000;

/** How often it is looked at within that time. */
const LOOKS_PER_TIMEOUT = 4;

/**
 * Says when nothing moves: a warning after the time is up, again after twice as long and so on, so that a source that waits for
 * news by design does not fill the log; and that it goes on, when it does. It ends nothing: a merge or a slow API can take long.
 */
export class StallWatch {
  readonly #onLog: (log: LogPayload) => void;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #waitingFor: string | undefined;
  #since: number;
  #warnAfterMs: number;

  /** @param now milliseconds, from any moment on */
  constructor(timeoutMs: number, onLog: (log: LogPayload) => void, now: () => number = () => performance.now()) {
    this.#timeoutMs = timeoutMs;
    this.#onLog = onLog;
    this.#now = now;
    this.#since = now();
    this.#warnAfterMs = timeoutMs;
    this.#timer = setInterval(() => this.look(), timeoutMs / LOOKS_PER_TIMEOUT);
    this.#timer.unref();
  }

  /** Who has to do something from now on, as the start of a sentence that ends in a time; undefined: nobody has to. */
  expect(waitingFor: string | undefined): void {
    this.moved();
    this.#waitingFor = waitingFor;
  }

  /** Something came, or was taken. */
  moved(): void {
    const now = this.#now();
    if (this.#warnAfterMs > this.#timeoutMs) {
      this.#warnAfterMs = this.#timeoutMs;
      this.#onLog({ level: 'info', message: `It goes on, after ${seconds(now - this.#since)}.` });
    }
    this.#since = now;
  }

  /** Says it when it is time to. */
  look(): void {
    const silentMs = this.#now() - this.#since;
    if (this.#waitingFor === undefined || silentMs < this.#warnAfterMs) return;
    this.#warnAfterMs *= 2;
    this.#onLog({ level: 'warn', message: `${this.#waitingFor} for ${seconds(silentMs)}.` });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}

function seconds(ms: number): string {
  return `${ms < 1000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;
}
