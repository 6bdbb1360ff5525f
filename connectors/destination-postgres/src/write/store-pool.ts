import type { ConnectorLog } from '@penstock/connector-sdk';
import type { Config } from '../config.ts';
import { BatchStore } from '../merge/store-batch.ts';

/**
 * As many connections as there may be. Those after the first are opened before they are given work: where the server admits
 * fewer, fewer do, and no batch has to wait for one that never comes.
 */
export class StorePool {
  readonly #config: Config;
  readonly #log: ConnectorLog;
  /** Called when a store has become free. */
  readonly #onFree: () => void;
  readonly #stores: BatchStore[];
  readonly #idle: BatchStore[];
  /** Those that work is given to. */
  readonly #admitted: Set<BatchStore>;

  constructor(config: Config, log: ConnectorLog, onFree: () => void) {
    this.#config = config;
    this.#log = log;
    this.#onFree = onFree;
    this.#stores = Array.from({ length: config.connections }, () => new BatchStore());
    this.#idle = [...this.#stores];
    this.#admitted = new Set(this.#stores.slice(0, 1));
  }

  get size(): number {
    return this.#stores.length;
  }

  /** Whether one is free, or could be opened. */
  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  get isIdle(): boolean {
    return this.#idle.length === this.#stores.length;
  }

  /** @returns a free one; undefined while there is none, which may make one open for later */
  take(): BatchStore | undefined {
    const store = this.#idle.find((idle) => this.#admitted.has(idle)) ?? this.#idle[0];
    if (!store) return undefined;
    this.#idle.splice(this.#idle.indexOf(store), 1);
    if (this.#admitted.has(store)) return store;
    void this.#open(store);
    return undefined;
  }

  putBack(store: BatchStore): void {
    this.#idle.push(store);
  }

  /** Breaks all connections off without a word. */
  abandon(): void {
    for (const store of this.#stores) store.abandon();
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  /** Never rejects. What else goes wrong with opening is for the first batch to find out, and to try again. */
  async #open(store: BatchStore): Promise<void> {
    const isRefused = !(await store.open(this.#config, this.#log));
    if (isRefused) this.#stores.splice(this.#stores.indexOf(store), 1);
    else {
      this.#admitted.add(store);
      this.#idle.push(store);
    }
    if (isRefused)
      this.#log.warn(
        `Postgres admits no more than ${this.#stores.length} connections now: the ${this.#config.connections} of \`connections\` are not used.`,
      );
    this.#onFree();
  }
}
