import type { Clock } from '@penstock/connector-sdk';

/** Tokens that may pile up while nothing is asked for, in seconds' worth: larger bursts run into Stripe's own limit. */
const BURST_S = 0.1;
/** What a 429 leaves of the rate. */
const DECREASE = 0.7;
/** Requests that were under way when the rate was lowered don't lower it again. */
const DECREASE_EVERY_MS = 1000;
/** How long it takes to get from nothing to the full rate, in seconds, when no 429 comes. */
const RECOVERY_S = 60;
/** The lowest part of the configured rate that 429s can bring it down to. */
const FLOOR = 0.02;

/** The longest pause that a `Retry-After` is believed, in milliseconds. */
export const PAUSE_MAX_MS = 60_000;

/**
 * One token bucket for all requests of a run, retries included. A 429 pauses it and lowers its rate; then the rate grows
 * back steadily, so that it stays close to what is allowed where that is less than what is configured.
 */
export class RateLimit {
  readonly #configured: number;
  readonly #clock: Clock;
  #rate: number;
  #tokens: number;
  /** When `#tokens` and `#rate` were last brought up to date. */
  #at: number;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #decreasedAt = Number.NEGATIVE_INFINITY;
  /** Waiters stand in line here, so that tokens go out in the order in which they were asked for. */
  #line: Promise<void> = Promise.resolve();

  /** @param requestsPerSecond more than 0 */
  constructor(requestsPerSecond: number, clock: Clock) {
    this.#configured = requestsPerSecond;
    this.#clock = clock;
    this.#rate = requestsPerSecond;
    this.#tokens = this.#capacity();
    this.#at = clock.now();
  }

  #capacity(): number {
    return Math.max(1, this.#configured * BURST_S);
  }

  #refill(): void {
    const now = this.#clock.now();
    // A clock that is set back must not take tokens away.
    const seconds = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#tokens = Math.min(this.#capacity(), this.#tokens + seconds * this.#rate);
    this.#rate = Math.min(this.#configured, this.#rate + (seconds * this.#configured) / RECOVERY_S);
  }

  /** The rate that holds now, in requests a second. */
  get rate(): number {
    this.#refill();
    return this.#rate;
  }

  /** Waits for the right to make one request. @throws the signal's reason as soon as it is aborted */
  async take(signal: AbortSignal): Promise<void> {
    const turn = this.#line.then(() => this.#takeFirst(signal));
    this.#line = turn.catch(() => undefined);
    await turn;
  }

  async #takeFirst(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const pause = this.#pausedUntil - this.#clock.now();
      // Longer than any pause that was asked for: the clock was set back meanwhile.
      if (pause > PAUSE_MAX_MS) this.#pausedUntil = Number.NEGATIVE_INFINITY;
      else if (pause > 0) {
        await this.#clock.sleep(pause, signal);
        continue;
      }
      this.#refill();
      if (this.#tokens >= 1) {
        this.#tokens -= 1;
        return;
      }
      await this.#clock.sleep(Math.max(1, Math.ceil(((1 - this.#tokens) / this.#rate) * 1000)), signal);
    }
  }

  /**
   * Stripe answered 429.
   *
   * @param pauseMs how long nobody may ask, at most {@link PAUSE_MAX_MS}; 0 where Stripe didn't say
   */
  slowDown(pauseMs: number): void {
    this.#refill();
    const now = this.#clock.now();
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs);
    if (now - this.#decreasedAt < DECREASE_EVERY_MS) return;
    this.#decreasedAt = now;
    this.#rate = Math.max(this.#configured * FLOOR, this.#rate * DECREASE);
    this.#tokens = Math.min(this.#tokens, 1);
  }
}
