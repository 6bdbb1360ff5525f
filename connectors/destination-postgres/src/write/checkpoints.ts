import type { DestinationMessage, SourceStateMessage, StreamStatusMessage } from '@penstock/protocol';

type Waiting = { readonly position: number; readonly message: SourceStateMessage | StreamStatusMessage };

type StreamOrder = {
  /** Where batches that aren't committed yet begin, oldest first. */
  readonly open: number[];
  readonly waiting: Waiting[];
  failed: boolean;
};

/**
 * Decides when checkpoints and statuses may leave (P1). Everything that comes in gets a position. A message of a stream
 * leaves when no batch of that stream that began before it is open, and in the order of its stream; a global checkpoint
 * when nothing before it is open or waiting in any stream. Pure: no clock, nothing is waited for here.
 */
export class Checkpoints {
  #position = 0;
  readonly #streams = new Map<string, StreamOrder>();
  readonly #globals: Waiting[] = [];
  #anyFailed = false;

  /** How many messages wait. */
  get waitingCount(): number {
    let count = this.#globals.length;
    for (const { waiting } of this.#streams.values()) count += waiting.length;
    return count;
  }

  /** Whether anything waits that committing this stream's records could release. */
  isWaitedFor(stream: string): boolean {
    return this.#order(stream).waiting.length > 0 || this.#globals.length > 0;
  }

  /** A batch of this stream begins: what comes from now on must wait for its commit. */
  opened(stream: string): void {
    this.#order(stream).open.push(this.#position++);
  }

  /** The oldest open batch of this stream is committed. @returns what may leave now, in order */
  committed(stream: string): DestinationMessage[] {
    this.#order(stream).open.shift();
    return this.#release(stream);
  }

  /** A message came in. @returns what may leave now, in order */
  arrived(message: SourceStateMessage | StreamStatusMessage): DestinationMessage[] {
    const position = this.#position++;
    const stream = streamOf(message);
    if (stream === undefined) {
      if (!this.#anyFailed) this.#globals.push({ position, message });
      return this.#releaseGlobals();
    }
    const order = this.#order(stream);
    if (order.failed) return [];
    order.waiting.push({ position, message });
    return this.#release(stream);
  }

  /**
   * The stream failed: what waits of it is swallowed, and so is all that comes; global checkpoints are held back for the rest
   * of the run. @returns false when it has failed before, and its one terminal status is out
   */
  failed(stream: string): boolean {
    const order = this.#order(stream);
    if (order.failed) return false;
    order.failed = true;
    order.waiting.length = 0;
    order.open.length = 0;
    this.#anyFailed = true;
    this.#globals.length = 0;
    return true;
  }

  /** Whether the stream takes no more records. */
  hasFailed(stream: string): boolean {
    return this.#order(stream).failed;
  }

  #order(stream: string): StreamOrder {
    const known = this.#streams.get(stream);
    if (known) return known;
    const order: StreamOrder = { open: [], waiting: [], failed: false };
    this.#streams.set(stream, order);
    return order;
  }

  #release(stream: string): DestinationMessage[] {
    const { open, waiting } = this.#order(stream);
    const firstOpen = open[0] ?? Number.POSITIVE_INFINITY;
    const kept = waiting.findIndex(({ position }) => position > firstOpen);
    const released = waiting.splice(0, kept === -1 ? waiting.length : kept).map(({ message }) => message);
    return [...released, ...this.#releaseGlobals()];
  }

  #releaseGlobals(): DestinationMessage[] {
    if (this.#globals.length === 0) return [];
    let oldest = Number.POSITIVE_INFINITY;
    for (const { open, waiting } of this.#streams.values())
      oldest = Math.min(oldest, open[0] ?? oldest, waiting[0]?.position ?? oldest);
    const kept = this.#globals.findIndex(({ position }) => position > oldest);
    return this.#globals.splice(0, kept === -1 ? this.#globals.length : kept).map(({ message }) => message);
  }
}

function streamOf(message: SourceStateMessage | StreamStatusMessage): string | undefined {
  if (message.type === 'stream_status') return message.stream_status.stream;
  return message.source_state.state_type === 'stream' ? message.source_state.stream : undefined;
}
