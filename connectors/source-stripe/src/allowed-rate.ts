import { Throughput } from './throughput.ts';

/** Requests that may be unanswered at once before the first answer; each two answers allow one more. */
const TRUST = 5;
/** A 429 is quick: when none came in this time, the limit isn't right at hand, in milliseconds. */
const TRUST_MS = 400;
/** How far back the throughput is looked at, in milliseconds: it has to be that of the rate that was refused. */
const WINDOW_MS = 2000;
/** A throughput over less than this says little, in milliseconds: servers allow bursts, and few requests are a bad sample. */
const WINDOW_MIN_MS = 1000;
/** Least time between sending and refusal that a throughput is made of, in milliseconds. */
const BOUND_MIN_MS = 50;
/** How long everybody waits to hear which requests under way are refused too, in milliseconds. */
const SETTLE_MS = 400;
/** What is asked for after a 429, as a part of what was let through before it. */
const BELOW = 0.95;
/** Where the rate comes back to soon, as a part of the same. */
const ABOVE = 1.02;
/** How long that takes, in seconds. The share of 429s follows from it: one or two in this time. */
const RETURN_S = 24;
/** After that it grows with the third power of the time: to the double in so many seconds, to nine times in twice as many. */
const PROBE_S = 14;
/** How much the rate grows a second, at most, while too little is known of the limit. */
const SEARCH_GROWTH = 1.6;
/** The same, at least. */
const SEARCH_GROWTH_MIN = 1.05;
/** The same, at least, where there were too few requests to tell. */
const SEARCH_GROWTH_UNSURE = 1.1;
/** How long the search takes to come back to the rate that was refused, in seconds. */
const SEARCH_S = 4;
/** How far the rate that was refused may be above what was let through for the limit to be known, as a factor. */
const KNOWN = 1.2;
/** The lowest part of the configured rate that 429s can bring it down to. */
const FLOOR = 0.02;
/** The same for the first 429, when little is known. */
const FLOOR_FIRST = 0.08;
/** First pause of everybody when nothing is let through at all, in milliseconds; it doubles. */
const SHUT_MS = 500;
/** After so many in a row the server was shut altogether. */
const SHUT_LONG = 3;
/** Longest pause of that kind, in milliseconds. */
const SHUT_MAX_MS = 8000;

/** A request that was let go: which, and when, in milliseconds of the limit's own time. */
export interface Sent {
  readonly number: number;
  readonly atMs: number;
}

/** What the last 429s taught. */
interface Limit {
  /** From when on the rate comes back. */
  readonly sinceMs: number;
  /** Right after the 429, in requests a second. */
  readonly base: number;
  /** Where it comes back to. */
  readonly plateau: number;
  /** How much the rate grows a second while the limit is still searched for; 1 once it is known. */
  readonly growth: number;
}

/** A 429 and the others that came of the same cause. */
interface Refusal {
  readonly atMs: number;
  /** The last request that was under way: whatever is refused up to it is no news. */
  readonly number: number;
  /** When the request was sent that was refused first. */
  readonly firstSentMs: number;
  /** What was asked for then, in requests a second. */
  readonly rate: number;
}

/**
 * Finds the rate that is allowed where that is less than what is configured: what was let through before a 429 is what is
 * allowed, give or take a burst. Below that it goes on, comes back to it soon, and beyond it slowly at first. Pure: the time
 * comes in, in milliseconds, and never goes back.
 */
export class AllowedRate {
  readonly #configured: number;
  readonly #throughput = new Throughput();
  #startedMs: number | undefined;
  #lastNumber = 0;
  #unanswered = 0;
  #trust = TRUST;
  #limit: Limit | undefined;
  #refusal: Refusal | undefined;
  /** Until when the refusal is looked into; undefined when that is done. */
  #settleMs: number | undefined;
  /** The last one that was looked into. */
  #last: Refusal | undefined;
  /** Answers other than 429 since it. */
  #passedSince = 0;
  #shutCount = 0;
  #pausedUntilMs = 0;

  /** @param requestsPerSecond more than 0; never exceeded */
  constructor(requestsPerSecond: number) {
    this.#configured = requestsPerSecond;
  }

  /** Whether a limit below the configured rate has shown. */
  get isLimited(): boolean {
    return this.#limit !== undefined;
  }

  /** In requests a second. */
  rateAt(nowMs: number): number {
    const limit = this.#limit;
    if (limit === undefined) return this.#configured;
    const seconds = Math.max(0, nowMs - limit.sinceMs) / 1000;
    return Math.min(this.#configured, Math.max(this.#configured * FLOOR, grown(limit, seconds)));
  }

  /** How long nobody may ask, in milliseconds: 0 when somebody may. An answer may end it sooner. */
  holdMs(nowMs: number): number {
    if (this.#settleMs !== undefined) {
      if (nowMs < this.#settleMs && this.#unanswered > 0) return this.#settleMs - nowMs;
      this.#settle(nowMs);
    }
    if (nowMs < this.#pausedUntilMs) return this.#pausedUntilMs - nowMs;
    if (this.#limit !== undefined || this.#startedMs === undefined) return 0;
    const trustedMs = this.#startedMs + TRUST_MS;
    return this.#unanswered < this.#trust ? 0 : Math.max(0, trustedMs - nowMs);
  }

  /** Nobody may ask for so long. */
  pause(nowMs: number, pauseMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + pauseMs);
  }

  /** One request goes. Each ends with one of the three below. */
  send(nowMs: number): Sent {
    this.#startedMs ??= nowMs;
    this.#lastNumber++;
    this.#unanswered++;
    this.#throughput.sent(nowMs);
    return { number: this.#lastNumber, atMs: nowMs };
  }

  /** It had an answer other than 429, or will have none. */
  answered(sent: Sent): void {
    this.#unanswered--;
    this.#trust += 0.5;
    if (sent.number > (this.#last?.number ?? 0)) {
      this.#passedSince++;
      this.#shutCount = 0;
    }
  }

  /** It was not sent after all. */
  takeBack(sent: Sent): void {
    this.#unanswered--;
    this.#throughput.takeBack(sent.atMs);
  }

  /** It was answered with 429. */
  refused(sent: Sent, nowMs: number): void {
    this.#unanswered--;
    this.#throughput.takeBack(sent.atMs);
    if (this.#refusal !== undefined && sent.number <= this.#refusal.number) return;
    if (this.#settleMs !== undefined) this.#settle(nowMs);
    const rate = this.rateAt(nowMs);
    const last = this.#limit;
    // Right above a limit that is known, one 429 is what was to be expected: nobody has to wait for more.
    const isExpected =
      last !== undefined && isKnown(last) && nowMs - last.sinceMs > WINDOW_MS && rate < last.plateau * 1.1;
    this.#refusal = { atMs: nowMs, number: this.#lastNumber, firstSentMs: sent.atMs, rate };
    this.#settleMs = isExpected ? nowMs : nowMs + SETTLE_MS;
    if (isExpected) this.#settle(nowMs);
  }

  /** Makes of the refusal what the rate is from now on. */
  #settle(nowMs: number): void {
    this.#settleMs = undefined;
    const refusal = this.#refusal;
    if (refusal === undefined) return;
    const isShut = this.#last !== undefined && this.#passedSince === 0;
    if (isShut) {
      this.pause(nowMs, Math.min(SHUT_MAX_MS, SHUT_MS * 2 ** this.#shutCount));
      this.#shutCount++;
    }
    const fromMs = Math.max(this.#limit?.sinceMs ?? this.#startedMs ?? 0, refusal.atMs - WINDOW_MS);
    const windowMs = Math.max(0, refusal.atMs - fromMs);
    const least = this.#configured * (this.#last === undefined ? FLOOR_FIRST : FLOOR);
    const floor = Math.max(least, isShut ? (this.#limit?.base ?? 0) / 2 : 0);
    const found = Math.max(
      floor,
      Math.min(refusal.rate, this.#average(refusal, fromMs, windowMs), this.#bound(refusal)),
    );
    // At the first refusal a burst has just been used up: what passed is more than what is allowed.
    const isWide = this.#last !== undefined && windowMs >= WINDOW_MIN_MS;
    this.#limit = limitAfter(this.#limit, {
      found,
      rate: refusal.rate,
      sinceMs: Math.max(nowMs, this.#pausedUntilMs),
      isSure: isWide && !isShut,
      isShut,
      wasShutLong: this.#shutCount >= SHUT_LONG,
    });
    this.#last = refusal;
    this.#passedSince = 0;
  }

  /** What was let through in the window before the refusal, in requests a second. */
  #average({ atMs }: Refusal, fromMs: number, windowMs: number): number {
    // A short window is filled up with what was known, less a little: it was too much.
    const missing = Math.max(0, WINDOW_MIN_MS - windowMs) / 1000;
    const before = (this.#limit?.base ?? 0) * (isKnown(this.#limit) ? 0.9 : 0.75);
    return (this.#throughput.passed(fromMs, atMs) + missing * before) / (Math.max(windowMs, WINDOW_MIN_MS) / 1000);
  }

  /**
   * What is allowed at most, in requests a second, since from the first refusal on no burst was left. So few requests are a
   * bad sample, hence twice the standard deviation on top.
   */
  #bound({ firstSentMs, atMs }: Refusal): number {
    const passed = this.#throughput.passed(firstSentMs, atMs) + 1;
    return (passed + 2 * Math.sqrt(passed)) / (Math.max(BOUND_MIN_MS, atMs - firstSentMs) / 1000);
  }
}

function isKnown(limit: Limit | undefined): boolean {
  return limit?.growth === 1;
}

/** What a refusal showed. */
interface Finding {
  /** What is allowed, as far as can be told, in requests a second. */
  readonly found: number;
  /** What was asked for, in requests a second. */
  readonly rate: number;
  readonly sinceMs: number;
  /** Whether enough requests went into it. */
  readonly isSure: boolean;
  /** Whether nothing at all was let through. */
  readonly isShut: boolean;
  /** Whether that was so several times in a row: what was measured before then no longer holds. */
  readonly wasShutLong: boolean;
}

function limitAfter(before: Limit | undefined, { found, rate, sinceMs, isSure, isShut, wasShutLong }: Finding): Limit {
  const base = found * BELOW;
  const plateau = found * ABOVE + 0.25 * Math.max(0, Math.min(rate, found * KNOWN) - found);
  // One refusal right after another is no news of where the limit lies.
  if (!isSure && !isShut && isKnown(before)) {
    return { sinceMs, base, plateau: Math.max(plateau, 0.98 * (before?.plateau ?? 0)), growth: 1 };
  }
  const growth = Math.min(SEARCH_GROWTH, Math.max(SEARCH_GROWTH_MIN, (rate / base) ** (1 / SEARCH_S)));
  if (isSure) return { sinceMs, base, plateau, growth: rate < found * KNOWN ? 1 : growth };
  // The search goes on, half as fast as before.
  const half = before === undefined ? SEARCH_GROWTH : 1 + (before.growth - 1) / 2;
  return { sinceMs, base, plateau, growth: Math.max(growth, half, wasShutLong ? SEARCH_GROWTH : SEARCH_GROWTH_UNSURE) };
}

/** The rate so long after a 429, in requests a second. */
function grown({ base, plateau, growth }: Limit, seconds: number): number {
  if (growth > 1) return base * growth ** seconds;
  if (seconds < RETURN_S) return plateau - (plateau - base) * (1 - seconds / RETURN_S) ** 3;
  return plateau * (1 + ((seconds - RETURN_S) / PROBE_S) ** 3);
}
