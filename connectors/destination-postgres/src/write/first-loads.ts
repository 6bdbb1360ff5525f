/** How much of a stream makes a batch full: as many bytes, or as many records. */
export type BatchSize = { readonly bytes: number; readonly records: number };

type Load = {
  /** What came since the latest look. */
  readonly bytes: number;
  readonly records: number;
  /** Whether it had begun before that look: then what came since tells how fast it is. */
  readonly isWatched: boolean;
};

/**
 * Streams whose tables lack indexes, and when they are to be made: not while a first load goes on, which is slower with each of
 * them (0017). It is over when somebody says so, or when hardly anything comes any more: sources that poll never say it.
 * Pure: whoever looks has the clock.
 */
export class FirstLoads {
  /** By stream; undefined until something of it came. */
  readonly #loads: Map<string, Load | undefined>;
  readonly #batch: BatchSize;

  /** @param streams those whose tables lack an index */
  constructor(streams: Iterable<string>, batch: BatchSize) {
    this.#loads = new Map([...streams].map((stream) => [stream, undefined]));
    this.#batch = batch;
  }

  /** Those that are not over. */
  get streams(): string[] {
    return [...this.#loads.keys()];
  }

  /** A batch of this size came in. */
  came(stream: string, { bytes, records }: BatchSize): void {
    if (!this.#loads.has(stream)) return;
    const load = this.#loads.get(stream) ?? { bytes: 0, records: 0, isWatched: false };
    this.#loads.set(stream, { ...load, bytes: load.bytes + bytes, records: load.records + records });
  }

  /** @returns false when there is nothing to be made: no index is missing, or its load was over before */
  end(stream: string): boolean {
    return this.#loads.delete(stream);
  }

  /**
   * Looks at what came since the look before.
   *
   * @param hasKeptUp whether all was taken that was there: else it could not have come faster
   * @returns the streams that have begun, and of which less than one batch came in all that time
   */
  trickling({ hasKeptUp }: { readonly hasKeptUp: boolean }): string[] {
    const slow: string[] = [];
    for (const [stream, load] of this.#loads) {
      if (!load) continue;
      const isSlow = load.bytes < this.#batch.bytes && load.records < this.#batch.records;
      if (load.isWatched && hasKeptUp && isSlow) slow.push(stream);
      this.#loads.set(stream, { bytes: 0, records: 0, isWatched: true });
    }
    return slow;
  }
}
