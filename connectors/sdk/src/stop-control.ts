import { SAME_SIGNAL_MS, STOP_MS } from './limit.ts';

/** What being asked to stop means, step by step. */
export interface StopSteps {
  /** The first request. Without it the first one aborts. */
  readonly softly?: () => void;
  /** Says on stderr what happens. */
  readonly note: (text: string) => void;
}

/**
 * Turns requests to stop (signals, a launcher's end, a reader that is gone) into what they mean: first softly where there
 * is such a way, then by aborting, then, after a time or at the next request, without waiting any longer.
 */
export class StopControl {
  readonly #requested = new AbortController();
  readonly #abort = new AbortController();
  readonly #forced = Promise.withResolvers<void>();
  readonly #stopMs: number;
  #steps: StopSteps | undefined;
  #requests = 0;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #signalledAtMs = Number.NEGATIVE_INFINITY;

  /** @param stopMs how long the end may take once it was aborted, in milliseconds */
  constructor(stopMs: number = STOP_MS) {
    this.#stopMs = stopMs;
  }

  /** Aborted at the first request, however softly it is met. */
  get requested(): AbortSignal {
    return this.#requested.signal;
  }

  /** Aborted when the work is to end at once. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether anything asked to stop. */
  get isStopping(): boolean {
    return this.#requests > 0;
  }

  /** Resolves when there is no more waiting. */
  get whenForced(): Promise<void> {
    return this.#forced.promise;
  }

  /** Says what the requests mean from now on. */
  prepare(steps: StopSteps): void {
    this.#steps = steps;
    if (this.#requests === 1) steps.softly?.();
  }

  /**
   * A signal to the process: a request, unless it came together with the one before.
   *
   * @param nowMs of a clock that never goes back
   */
  signalled(name: NodeJS.Signals, nowMs: number = performance.now()): void {
    if (nowMs - this.#signalledAtMs < SAME_SIGNAL_MS) return;
    this.#signalledAtMs = nowMs;
    this.request(name);
  }

  /** @param why for stderr, e.g. `SIGTERM` */
  request(why: string): void {
    // Its own end closes what it listened to.
    if (this.#isOver) return;
    this.#requests += 1;
    this.#requested.abort(new Error(`Stopped by ${why}.`));
    if (this.#requests === 1 && this.#steps?.softly !== undefined) {
      this.#steps.note(
        `${why}: no more input is read; what was received is being committed. A second signal stops at once.`,
      );
      this.#steps.softly();
    } else if (!this.#abort.signal.aborted) {
      this.#steps?.note(`${why}: stopping.`);
      this.#abort.abort(new Error(`Stopped by ${why}.`));
      this.#timer = setTimeout(() => this.#forced.resolve(), this.#stopMs);
    } else {
      this.#forced.resolve();
    }
  }

  /** The work is over; nothing can ask it to stop any more. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}
