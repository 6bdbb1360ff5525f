/** Requests that are looked at. */
const SAMPLES_MAX = 16;
/** Requests of which the quickest is looked for. */
const LEAST_OF = 256;
/**
 * A latency of more than so many times the least is taken for waiting in line, somewhere on the way: with more requests under
 * way it would only grow. Chance alone makes the mean of a busy API two or three times its least.
 */
const LINE_FACTOR = 3;

/**
 * How long a request takes, as the mean of the last ones without the quickest and the slowest: a single outlier doesn't
 * show. The mean, not the median, since how many requests have to be under way at once follows from it; and never more than
 * a multiple of the least, since otherwise more requests would make more latency, and that more requests.
 */
export class Latency {
  #samples: readonly number[] = [];
  #last: readonly number[] = [];

  /** @param sampleMs one request, in milliseconds; ignored below 0, which a clock makes that is set back meanwhile */
  add(sampleMs: number): void {
    if (sampleMs < 0) return;
    this.#samples = [...this.#samples, sampleMs].slice(-SAMPLES_MAX);
    this.#last = [...this.#last, sampleMs].slice(-LEAST_OF);
  }

  /** In milliseconds; undefined before the first request. */
  get ms(): number | undefined {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const kept = sorted.length > 2 ? sorted.slice(1, -1) : sorted.slice(0, 1);
    if (kept.length === 0) return undefined;
    const mean = kept.reduce((sum, ms) => sum + ms, 0) / kept.length;
    return Math.min(mean, LINE_FACTOR * Math.min(...this.#last));
  }
}
