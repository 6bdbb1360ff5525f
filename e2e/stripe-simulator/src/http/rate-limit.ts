/** Lets through a number of requests a second, with bursts of one second's worth. Pure: the time comes in. */
export class TokenBucket {
  #perSecond: number;
  #tokens: number;
  #atMs: number;

  /** @param perSecond requests; Infinity for no limit */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#atMs = nowMs;
  }

  /** Takes a token. Returns 0, or the whole seconds after which there will be one. */
  take(nowMs: number): number {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return 0;
    this.#tokens = Math.min(
      Math.max(1, this.#perSecond),
      this.#tokens + (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond,
    );
    this.#atMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - this.#tokens) / this.#perSecond));
  }
}
