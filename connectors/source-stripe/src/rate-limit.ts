import type { Clock } from '@penstock/connector-sdk';
import { AllowedRate, type Sent } from './allowed-rate.ts';

/** Tokens that may pile up while nothing is asked for, in seconds' worth: larger bursts run into Stripe's own limit. */
const BURST_S = 0.1;
/** The same once a limit has shown, since its burst may be smaller. */
const BURST_LIMITED_S = 0.05;
/** Fewest tokens that may pile up then: with less, what a timer is late is lost. */
const BURST_LIMITED_MIN = 1.5;
/** A `Retry-After` up to this is for the request that was refused, a longer one for all, in milliseconds. */
const PAUSE_ALL_MS = 2000;

/** The longest pause that a `Retry-After` is believed, in milliseconds. */
export const PAUSE_MAX_MS = 60_000;

/** The right to make one request. */
export interface Permit {
  /** The request was not made: whoever waits next has the token. Does nothing once it was made. */
  giveBack(): void;
}

/** A permit in the hands of who makes the request. Ends with the first call of any of these; later ones do nothing. */
export interface Grant extends Permit {
  /** It was made, with any outcome but 429. */
  answered(): void;
  /** Stripe answered 429. @param pauseMs as it asked to wait, at most {@link PAUSE_MAX_MS}; 0 where it didn't say */
  refused(pauseMs: number): void;
}

interface Waiter {
  readonly grant: (grant: Grant) => void;
}

/**
 * One token bucket for all requests of a run, retries included. Its rate is the configured one, or what is allowed where
 * that is less. A 429 with a short `Retry-After`, or none, doesn't stop the others: the rate is lowered, and a pause on top
 * of that would leave a part of what is allowed unused.
 */
export class RateLimit {
  readonly #configured: number;
  readonly #clock: Clock;
  readonly #allowed: AllowedRate;
  #tokens: number;
  /** Milliseconds since the start that only go up, wherever the clock is set. */
  #ms = 0;
  /** What the clock showed when `#ms` and `#tokens` were last brought up to date. */
  #clockMs: number;
  /** In the order in which they came. */
  readonly #waiters = new Set<Waiter>();
  /** Ends the sleep of whoever serves the waiters. */
  #wake: AbortController | undefined;

  /** @param requestsPerSecond more than 0; never exceeded but for a burst of a tenth of a second */
  constructor(requestsPerSecond: number, clock: Clock) {
    this.#configured = requestsPerSecond;
    this.#clock = clock;
    this.#allowed = new AllowedRate(requestsPerSecond);
    this.#tokens = this.#capacity();
    this.#clockMs = clock.now();
  }

  #capacity(): number {
    if (!this.#allowed.isLimited) return Math.max(1, this.#configured * BURST_S);
    return Math.max(BURST_LIMITED_MIN, this.#allowed.rateAt(this.#ms) * BURST_LIMITED_S);
  }

  #refill(): void {
    const now = this.#clock.now();
    const passedMs = Math.max(0, now - this.#clockMs);
    this.#clockMs = now;
    this.#ms += passedMs;
    this.#tokens = Math.min(this.#capacity(), this.#tokens + (passedMs / 1000) * this.#allowed.rateAt(this.#ms));
  }

  /** The rate that holds now, in requests a second. */
  get rate(): number {
    this.#refill();
    return this.#allowed.rateAt(this.#ms);
  }

  /**
   * Waits for the right to make one request. First come, first served.
   *
   * @throws the signal's reason as soon as it is aborted
   */
  async take(signal: AbortSignal): Promise<Grant> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Grant>();
    const waiter: Waiter = { grant: resolve };
    const leave = (): void => {
      this.#waiters.delete(waiter);
      reject(signal.reason);
      // Without anybody waiting, no timer may keep the process alive.
      if (this.#waiters.size === 0) this.#wake?.abort();
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiters.add(waiter);
    if (this.#waiters.size === 1 && this.#wake === undefined) void this.#serve();
    return await promise.finally(() => signal.removeEventListener('abort', leave));
  }

  /** Grants until nobody waits. Runs once at a time. */
  async #serve(): Promise<void> {
    for (const waiter of this.#waiters) {
      for (let waitMs = this.#waitMs(); waitMs > 0 && this.#waiters.has(waiter); waitMs = this.#waitMs()) {
        this.#wake = new AbortController();
        await this.#clock.sleep(waitMs, this.#wake.signal).catch(() => undefined);
      }
      this.#wake = undefined;
      if (!this.#waiters.delete(waiter)) continue;
      this.#tokens -= 1;
      waiter.grant(this.#grant(this.#allowed.send(this.#ms)));
    }
  }

  /** Until the next token, or until it is worth looking again. */
  #waitMs(): number {
    this.#refill();
    const holdMs = this.#allowed.holdMs(this.#ms);
    if (holdMs > 0) {
      // What piles up meanwhile would be a burst.
      if (this.#allowed.isLimited) this.#tokens = Math.min(this.#tokens, 1);
      return Math.max(1, Math.ceil(holdMs));
    }
    if (this.#tokens >= 1) return 0;
    return Math.max(1, Math.ceil(((1 - this.#tokens) / this.#allowed.rateAt(this.#ms)) * 1000));
  }

  #grant(sent: Sent): Grant {
    let isOpen = true;
    const end = (how: () => void): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#refill();
      how();
      // A hold may be over with this answer, and a token be there again.
      this.#wake?.abort();
    };
    return {
      giveBack: () =>
        end(() => {
          this.#allowed.takeBack(sent);
          this.#tokens = Math.min(this.#capacity(), this.#tokens + 1);
        }),
      answered: () => end(() => this.#allowed.answered(sent)),
      refused: (pauseMs) =>
        end(() => {
          if (pauseMs > PAUSE_ALL_MS) this.#allowed.pause(this.#ms, pauseMs);
          this.#allowed.refused(sent, this.#ms);
          this.#tokens = Math.min(this.#tokens, 1);
        }),
    };
  }
}
