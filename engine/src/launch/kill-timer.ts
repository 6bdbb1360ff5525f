/** Kills a connector that was asked to stop when its grace is over. */
export class KillTimer {
  readonly #kill: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  constructor(kill: () => void) {
    this.#kill = kill;
  }

  /** Gives it so long from now on; a grace that ends earlier stays. */
  limit(graceMs: number): void {
    const atMs = Date.now() + graceMs;
    if (atMs >= this.#atMs) return;
    this.clear();
    this.#atMs = atMs;
    this.#timer = setTimeout(this.#kill, graceMs);
  }

  /** It has ended. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
