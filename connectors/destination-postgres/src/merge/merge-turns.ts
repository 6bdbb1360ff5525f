/**
 * Which batches of one stream may be merged beside each other. Where versions are equal, or there are none, arrival decides: so
 * batches that share a key are merged in the order in which they came, and all others side by side. Pure but for promises:
 * no clock, no connection.
 */
export class MergeTurns {
  /** Oldest first. */
  #unsettled: MergeTurn[] = [];

  /** @returns the turn of a batch that came after all the others */
  next(): MergeTurn {
    const turn = new MergeTurn(this.#unsettled, () => {
      this.#unsettled = this.#unsettled.filter((other) => other !== turn);
    });
    this.#unsettled = [...this.#unsettled, turn];
    return turn;
  }
}

/** The turn of one batch. */
export class MergeTurn {
  /** Let go of once it is settled, or each turn would keep all before it alive. */
  #earlier: readonly MergeTurn[];
  readonly #onSettled: () => void;
  readonly #keys = Promise.withResolvers<ReadonlySet<number>>();
  readonly #settled = Promise.withResolvers<void>();

  constructor(earlier: readonly MergeTurn[], onSettled: () => void) {
    this.#earlier = earlier;
    this.#onSettled = onSettled;
  }

  /** Resolves when all batches before it are settled. */
  async whenFirst(): Promise<void> {
    await Promise.all(this.#earlier.map((turn) => turn.#settled.promise));
  }

  /**
   * Resolves when those before it that may share a key with it are settled. It waits until their keys are known.
   *
   * @param keys hashes of the keys that are to be merged now
   * @param isRest whether nothing else of the batch is left after them: only then do those behind know its keys. Of a batch
   *   in parts they would know too few. A second call, for a part of what they know, changes nothing
   */
  async whenApart(keys: ReadonlySet<number>, { isRest }: { readonly isRest: boolean }): Promise<void> {
    if (isRest) this.#keys.resolve(keys);
    for (const turn of this.#earlier) if (shareAny(keys, await turn.#keys.promise)) await turn.#settled.promise;
  }

  /** The batch is committed, or given up. */
  settle(): void {
    this.#keys.resolve(new Set());
    this.#settled.resolve();
    this.#earlier = [];
    this.#onSettled();
  }
}

function shareAny(some: ReadonlySet<number>, others: ReadonlySet<number>): boolean {
  for (const key of some) if (others.has(key)) return true;
  return false;
}
