import type { DestinationMessage, SourceStateMessage, StreamStatusMessage } from '@penstock/protocol';

type Waiting = { readonly position: number; readonly message: SourceStateMessage | StreamStatusMessage };

type StreamOrder = {
  /** Where batches that aren't committed yet begin, oldest first. */
  readonly open: number[];
  readonly waiting: Waiting[];
  failed: boolean;
  /** Whether what comes is held back; and from which position on it is, once something came that counts. */
  holds: boolean;
  heldFrom: number | undefined;
};

/** Messages of a held stream, and global checkpoints behind it, that are kept one by one; then checkpoints become one. */
const heldMessagesMax = 1000;

/**
 * Decides when checkpoints and statuses may leave (P1). Everything that comes in gets a position. A message of a stream
 * leaves when no batch of that stream that began before it is open, and in the order of its stream; a global checkpoint
 * when nothing before it is open or waiting in any stream. A stream can be held: then nothing of it leaves from its first
 * record or checkpoint on, until it is freed. Pure: no clock, nothing is waited for here.
 */
export class Checkpoints {
  #position = 0;
  readonly #streams = new Map<string, StreamOrder>();
  readonly #globals: Waiting[] = [];
  #anyFailed = false;

  /** How many messages wait for batches. Those that are held wait for the end of their stream, which comes by reading on. */
  get waitingCount(): number {
    let count = 0;
    let isHeld = false;
    for (const { waiting, heldFrom } of this.#streams.values()) {
      if (heldFrom === undefined) count += waiting.length;
      else isHeld = true;
    }
    return isHeld ? count : count + this.#globals.length;
  }

  /** Whether anything waits that committing this stream's records could release. */
  isWaitedFor(stream: string): boolean {
    return this.#order(stream).waiting.length > 0 || this.#globals.length > 0;
  }

  /**
   * A batch of this stream begins: what comes from now on must wait for its commit.
   *
   * @returns the batch's position
   */
  opened(stream: string): number {
    const order = this.#order(stream);
    this.#beginHold(order);
    order.open.push(this.#position);
    return this.#position++;
  }

  /** Holds this stream back, until it is freed. */
  hold(stream: string): void {
    this.#order(stream).holds = true;
  }

  /** What was held of this stream may leave with its next committed batch. */
  free(stream: string): void {
    const order = this.#order(stream);
    order.holds = false;
    order.heldFrom = undefined;
  }

  /** The batch of this stream that began at a position is committed. @returns what may leave now, in order */
  committed(stream: string, position: number): DestinationMessage[] {
    const { open } = this.#order(stream);
    const index = open.indexOf(position);
    if (index !== -1) open.splice(index, 1);
    return this.#release(stream);
  }

  /** A message came in. @returns what may leave now, in order */
  arrived(message: SourceStateMessage | StreamStatusMessage): DestinationMessage[] {
    const stream = streamOf(message);
    if (stream === undefined) {
      if (this.#anyFailed) return [];
      const isHeld = [...this.#streams.values()].some(({ heldFrom }) => heldFrom !== undefined);
      addWaiting(this.#globals, { position: this.#position++, message }, isHeld);
      return this.#releaseGlobals();
    }
    const order = this.#order(stream);
    if (order.failed) return [];
    if (message.type === 'source_state') {
      // Its stream was given up: what it covers is not kept.
      if (!order.holds && order.heldFrom !== undefined) return [];
      this.#beginHold(order);
    } else if (order.heldFrom !== undefined && ['error', 'skip'].includes(message.stream_status.status)) {
      order.holds = false;
      order.waiting.splice(0, Infinity, ...order.waiting.filter(({ message: { type } }) => type === 'stream_status'));
    }
    addWaiting(order.waiting, { position: this.#position++, message }, order.holds);
    return this.#release(stream);
  }

  #beginHold(order: StreamOrder): void {
    if (order.holds) order.heldFrom ??= this.#position++;
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
    const order: StreamOrder = { open: [], waiting: [], failed: false, holds: false, heldFrom: undefined };
    this.#streams.set(stream, order);
    return order;
  }

  #release(stream: string): DestinationMessage[] {
    const { open, waiting, holds, heldFrom } = this.#order(stream);
    const until = Math.min(
      open[0] ?? Number.POSITIVE_INFINITY,
      (holds ? heldFrom : undefined) ?? Number.POSITIVE_INFINITY,
    );
    const kept = waiting.findIndex(({ position }) => position > until);
    const released = waiting.splice(0, kept === -1 ? waiting.length : kept).map(({ message }) => message);
    return [...released, ...this.#releaseGlobals()];
  }

  #releaseGlobals(): DestinationMessage[] {
    if (this.#globals.length === 0) return [];
    let oldest = Number.POSITIVE_INFINITY;
    for (const { open, waiting, heldFrom } of this.#streams.values())
      oldest = Math.min(oldest, open[0] ?? oldest, waiting[0]?.position ?? oldest, heldFrom ?? oldest);
    const kept = this.#globals.findIndex(({ position }) => position > oldest);
    return this.#globals.splice(0, kept === -1 ? this.#globals.length : kept).map(({ message }) => message);
  }
}

/**
 * Keeps a message. Where they are held, past the limit one checkpoint stands for those before it, and for their records; and which
 * ranges of time are complete says nothing more, since they leave together with the end of all.
 */
function addWaiting(waiting: Waiting[], added: Waiting, isHeld: boolean): void {
  const isMany = isHeld && waiting.length >= heldMessagesMax;
  if (isMany && added.message.type === 'stream_status' && added.message.stream_status.status === 'range_complete')
    return;
  const last =
    isMany && added.message.type === 'source_state'
      ? waiting.findLastIndex(({ message }) => message.type === 'source_state')
      : -1;
  if (last === -1) {
    waiting.push(added);
    return;
  }
  const [{ message }] = waiting.splice(last, 1) as [Waiting];
  waiting.push({
    ...added,
    message: mergeCheckpoints(message as SourceStateMessage, added.message as SourceStateMessage),
  });
}

function mergeCheckpoints(
  { source_state: earlier }: SourceStateMessage,
  later: SourceStateMessage,
): SourceStateMessage {
  const { source_state } = later;
  const record_count = (earlier.record_count ?? 0) + (source_state.record_count ?? 0);
  const isCounted = earlier.record_count !== undefined && source_state.record_count !== undefined;
  const { record_count: _, ...rest } = source_state;
  const streams = {
    ...(earlier.state_type === 'global' && earlier.streams),
    ...(rest.state_type === 'global' && rest.streams),
  };
  return {
    ...later,
    source_state: {
      ...rest,
      ...(Object.keys(streams).length > 0 && { streams }),
      ...(isCounted && { record_count }),
    } as SourceStateMessage['source_state'],
  };
}

function streamOf(message: SourceStateMessage | StreamStatusMessage): string | undefined {
  if (message.type === 'stream_status') return message.stream_status.stream;
  return message.source_state.state_type === 'stream' ? message.source_state.stream : undefined;
}
