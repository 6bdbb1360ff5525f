import type { ConnectorLog } from '@penstock/connector-sdk';
import type { Config } from '../config.ts';
import { BatchStore } from '../merge/store-batch.ts';

/**
 * As many connections as there may be. They are opened one after the other, and given work only then: where the server admits
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
  readonly #admitted = new Set<BatchStore>();
  #isOpening = false;

  constructor(config: Config, log: ConnectorLog, onFree: () => void) {
    this.#config = config;
    this.#log = log;
    this.#onFree = onFree;
    this.#stores = Array.from({ length: config.connections }, () => new BatchStore());
    this.#idle = [...this.#stores];
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
    const store = this.#idle.find((idle) => this.#admitted.has(idle));
    const next = store ?? (this.#isOpening ? undefined : this.#idle[0]);
    if (next) this.#idle.splice(this.#idle.indexOf(next), 1);
    if (!store && next) void this.#open(next);
    return store;
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
    this.#isOpening = true;
    const isAdmitted = await store.open(this.#config, this.#log);
    this.#isOpening = false;
    if (isAdmitted || this.#admitted.size === 0) {
      this.#admitted.add(store);
      this.#idle.push(store);
    } else {
      // The others would be refused as well.
      this.#stores.splice(0, this.#stores.length, ...this.#admitted);
      this.#idle.splice(0, this.#idle.length, ...this.#idle.filter((idle) => this.#admitted.has(idle)));
      this.#log.warn(
        `Postgres admits no more than ${this.#stores.length} of the ${this.#config.connections} \`connections\` now; writing goes on with those.`,
      );
    }
    this.#onFree();
  }
}
