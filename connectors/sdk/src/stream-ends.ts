import {
  type ConfiguredCatalog,
  type FailureType,
  isTerminalStatus,
  type StreamStatusPayload,
} from '@penstock/protocol';

/** Which streams of a catalog have ended, and how: each with exactly one terminal status. */
export class StreamEnds {
  readonly #inCatalog: ReadonlySet<string>;
  readonly #open: Set<string>;
  readonly #ended = new Set<string>();
  readonly #failures: FailureType[] = [];

  constructor(catalog: ConfiguredCatalog) {
    this.#inCatalog = new Set(catalog.streams.map(({ stream }) => stream.name));
    this.#open = new Set(this.#inCatalog);
  }

  /** Streams of the catalog without a terminal status, in the order of the catalog. */
  get open(): string[] {
    return [...this.#open];
  }

  /** Failure types of those that ended with `error`. */
  get failures(): readonly FailureType[] {
    return this.#failures;
  }

  isInCatalog(stream: string): boolean {
    return this.#inCatalog.has(stream);
  }

  /** Takes note of a status. @returns false when the stream had ended before, so that this one must not go out */
  admit(status: StreamStatusPayload): boolean {
    if (this.#ended.has(status.stream)) return false;
    if (!isTerminalStatus(status)) return true;
    this.#open.delete(status.stream);
    this.#ended.add(status.stream);
    if (status.status === 'error') this.#failures.push(status.failure_type ?? 'system');
    return true;
  }
}
