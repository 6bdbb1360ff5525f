/** Requests that are looked at. */
const SAMPLES_MAX = 16;

/**
 * How long a request takes, as the mean of the last ones without the quickest and the slowest: a single outlier doesn't
 * show. The mean, not the median, since how many requests have to be under way at once follows from it.
 */
export class Latency {
  #samples: readonly number[] = [];

  /** @param sampleMs one request, in milliseconds; ignored below 0, which a clock makes that is set back meanwhile */
  add(sampleMs: number): void {
    if (sampleMs >= 0) this.#samples = [...this.#samples, sampleMs].slice(-SAMPLES_MAX);
  }

  /** In milliseconds; undefined before the first request. */
  get ms(): number | undefined {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const kept = sorted.length > 2 ? sorted.slice(1, -1) : sorted.slice(0, 1);
    return kept.length === 0 ? undefined : kept.reduce((sum, ms) => sum + ms, 0) / kept.length;
  }
}
