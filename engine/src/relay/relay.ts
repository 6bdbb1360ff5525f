import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError, type DestinationMessage, type LogPayload, toCodedError } from '@penstock/protocol';
import { connectionError, endError } from '../launch/ask-connector.ts';
import type { ConnectorEnd } from '../launch/connector-end.ts';
import { CONNECTOR_START_TIMEOUT_MS, GRACEFUL_STOP_TIMEOUT_MS, type RunningConnector } from '../launch/launcher.ts';
import { DestinationLines } from './destination-lines.ts';
import { freeChunk } from './free-chunk.ts';
import { Holds, type WaitedMs } from './holds.ts';
import { type OutOfBandMessage, type RelayedCount, SourceLines } from './source-lines.ts';
import { STALL_TIMEOUT_MS, StallWatch } from './stall-watch.ts';

/**
 * Bytes that wait for the destination before reading from the source pauses. Far below the 8 MiB a direction that are
 * promised: it only has to bridge the moment in which the pipe is refilled.
 */
const WAITING_BYTES_MAX = 1024 * 1024;

/** How long a destination may work in silence after its input has ended. A last swap or merge can be long. */
const DESTINATION_FINISH_TIMEOUT_MS = 15 * 60_000;

/**
 * How long a request to stop may come after the end of a connector of which only its pipes are known. Who stops a pod asks
 * all of its containers at once, and the engine may be the last to hear of it.
 */
const STOP_HEARD_MS = 2_000;

/** What a relay joins, and who listens. */
export interface RelayOptions {
  readonly source: RunningConnector;
  readonly destination: RunningConnector;
  /** The names in the catalog. */
  readonly streams: ReadonlySet<string>;
  readonly onSourceMessage: (message: OutOfBandMessage) => void;
  readonly onDestinationMessage: (message: DestinationMessage) => void;
  /** What is odd about the lines of either. */
  readonly onLog: (log: LogPayload) => void;
  /** The source spoke of a stream that the catalog doesn't have. Once for each. */
  readonly onUnknownStream: (stream: string) => void;
  /** Something to wait for before either is read on, when what they said can't be passed on at once. */
  readonly pace?: () => Promise<void> | undefined;
  /** Until the source's first byte. */
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
  readonly finishTimeoutMs?: number;
  readonly stopHeardMs?: number;
  /** How long nothing may move before that is said. */
  readonly stallTimeoutMs?: number;
}

/** How it ended. */
export interface RelayEnd {
  /** What ended it before its time, where something did: the first cause, not what followed from it. */
  readonly error: CodedError | undefined;
  /** Whether the source was asked to stop before it had ended by itself. */
  readonly sourceCutOff: boolean;
  /** Whether both were killed on demand. */
  readonly killed: boolean;
  readonly sourceEnd: ConnectorEnd;
  readonly destinationEnd: ConnectorEnd;
}

/** Whether the chunks that a stream gives are its reader's alone. */
function ownsChunks(stream: Readable): boolean {
  return stream instanceof Socket;
}

/**
 * Joins the two: the source's bytes to the destination as they are, with back-pressure, and the destination's messages to
 * the engine. Whatever either of them does, `done` resolves.
 */
export class Relay {
  /** Resolves when both processes are gone. Never rejects. */
  readonly done: Promise<RelayEnd>;
  readonly #options: RelayOptions;
  readonly #sourceLines: SourceLines;
  readonly #destinationLines: DestinationLines;
  readonly #stopTimeoutMs: number;
  #error: CodedError | undefined;
  #sourceEnded = false;
  #sourceCutOff = false;
  #destinationEnded = false;
  #killed = false;
  /** The destination can't be written to any more; what the source still says is thrown away. */
  #inputLost = false;
  /** What the destination says is not believed any more. */
  #outputRefused = false;
  /** It is to be over soon: somebody asked for that, or it has failed. */
  #hurried = false;
  readonly #stopAsked = Promise.withResolvers<void>();
  /** The listener is not waited for any more. */
  #unpaced = false;
  readonly #sourceHolds: Holds;
  readonly #destinationHolds: Holds;
  readonly #stalls: StallWatch;
  #finishTimer: NodeJS.Timeout | undefined;
  #finishHurried = false;
  #deadline: NodeJS.Timeout | undefined;

  /** Starts at once: the processes run already. */
  constructor(options: RelayOptions) {
    this.#options = options;
    this.#stopTimeoutMs = options.stopTimeoutMs ?? GRACEFUL_STOP_TIMEOUT_MS;
    const { source, destination, onLog } = options;
    this.#sourceLines = new SourceLines(source.name, options.streams, {
      onLog,
      onUnknownStream: options.onUnknownStream,
      onMessage: (message) => this.#takeOutOfBand(source, message, options.onSourceMessage),
    });
    this.#destinationLines = new DestinationLines(destination.name, {
      onLog,
      onMessage: (message) => this.#takeOutOfBand(destination, message, options.onDestinationMessage),
    });
    this.#sourceHolds = new Holds(source.stdout);
    this.#destinationHolds = new Holds(destination.stdout);
    this.#stalls = new StallWatch(options.stallTimeoutMs ?? STALL_TIMEOUT_MS, onLog);
    this.#watchStalls();
    this.#readSource();
    this.#readDestination();
    this.done = this.#whenDone();
  }

  /** What was passed on since the last call, by stream. */
  takeCounts(): ReadonlyMap<string, RelayedCount> {
    return this.#sourceLines.takeCounts();
  }

  /** How long the source was not read since the last call, and for whom. */
  takeWaitedMs(): WaitedMs {
    return this.#sourceHolds.takeWaitedMs();
  }

  /** The soft end: the source stops, the destination commits what it has and ends. */
  stop(): void {
    this.#stopAsked.resolve();
    this.#cutSourceOff();
  }

  /** The hard end: whatever is not committed yet is done again by the next run. */
  kill(): void {
    this.#killed = true;
    this.stop();
    this.#options.source.kill();
    this.#killDestination();
  }

  /** Ends it for a reason. The first one stays. */
  fail(error: CodedError): void {
    this.#error ??= error;
    this.#cutSourceOff();
  }

  #cutSourceOff(): void {
    if (!this.#sourceEnded) this.#sourceCutOff = true;
    this.#hurry();
  }

  /** From now on the source has its grace, then the destination has its own; after both it is over in any case. */
  #hurry(): void {
    this.#hurried = true;
    if (this.#sourceEnded) {
      this.#limitFinish();
      return;
    }
    const { source, destination } = this.#options;
    source.stop(this.#stopTimeoutMs);
    // The source's last words may have nowhere to go: then its output never ends, though it has.
    this.#deadline ??= setTimeout(() => {
      const what = this.#sourceEnded ? 'did not store' : 'did not take';
      const message = `${destination.name} ${what} what ${source.name} wrote within ${(2 * this.#stopTimeoutMs) / 1000} s.`;
      this.#error ??= new CodedError('timed_out', { message });
      this.#killDestination();
    }, 2 * this.#stopTimeoutMs);
  }

  #killDestination(): void {
    this.#options.destination.kill();
    // A process is gone only when its output was read, and a listener that stalls must not keep it.
    this.#unpaced = true;
    for (const holds of [this.#sourceHolds, this.#destinationHolds]) holds.release('listener');
  }

  #readSource(): void {
    const { source, destination } = this.#options;
    const startTimeoutMs = this.#options.startTimeoutMs ?? CONNECTOR_START_TIMEOUT_MS;
    const startTimer = setTimeout(() => {
      const message = `${source.name} said nothing within ${startTimeoutMs / 1000} s of its start.`;
      this.fail(new CodedError('timed_out', { message }));
    }, startTimeoutMs);
    const holds = this.#sourceHolds;
    const free = ownsChunks(source.stdout) ? freeChunk : () => undefined;
    source.stdout.on('data', (chunk: Buffer) => {
      clearTimeout(startTimer);
      this.#stalls.moved();
      // Read all the same: a source that can't write can't end.
      if (this.#inputLost || this.#sourceLines.refusal !== undefined) return;
      this.#passOn(this.#sourceLines.push(chunk), () => free(chunk));
      if (this.#sourceLines.refusal === undefined && destination.stdin.writableLength > WAITING_BYTES_MAX) {
        holds.hold('destination');
        this.#watchStalls();
      }
      this.#keepPace(holds);
    });
    destination.stdin.on('drain', () => {
      holds.release('destination');
      this.#watchStalls();
    });
    // 'close' follows 'error'; both also come when all went well.
    destination.stdin.on('close', () => {
      if (destination.stdin.writableFinished) return;
      this.#inputLost = true;
      this.#cutSourceOff();
      holds.release('destination');
    });
    source.stdout.once('end', () => {
      const timer = setTimeout(() => {
        const message = `${source.name} closed its output but did not end within ${this.#stopTimeoutMs / 1000} s.`;
        this.#error ??= new CodedError('timed_out', { message });
        source.kill();
      }, this.#stopTimeoutMs);
      void source.ended.then(() => clearTimeout(timer));
    });
    void source.ended.then((end) => {
      clearTimeout(startTimer);
      this.#sourceEnded = true;
      this.#watchStalls();
      const succeeded = end.kind === 'exited' && end.code === 0;
      if (!this.#inputLost) this.#passOn(this.#sourceLines.end(succeeded), () => undefined);
      destination.stdin.end();
      this.#limitFinish();
    });
  }

  #readDestination(): void {
    const { destination } = this.#options;
    const holds = this.#destinationHolds;
    destination.stdout.on('data', (chunk: Buffer) => {
      if (this.#sourceEnded) this.#stalls.moved();
      if (!this.#hurried) this.#finishTimer?.refresh();
      if (this.#outputRefused) return;
      if (!this.#guard(() => this.#destinationLines.push(chunk))) {
        this.#outputRefused = true;
        destination.stop(this.#stopTimeoutMs);
      }
      this.#keepPace(holds);
    });
  }

  /** To be called when it changes who has to do something next. Where that is whoever reads the run's output, nobody else is stuck. */
  #watchStalls(): void {
    const { source, destination } = this.#options;
    if (this.#destinationEnded || this.#sourceHolds.has('listener')) this.#stalls.expect(undefined);
    else if (this.#sourceEnded)
      this.#stalls.expect(`${source.name} has ended, and no message from ${destination.name}`);
    else if (this.#sourceHolds.has('destination')) this.#stalls.expect(`${destination.name} has read nothing`);
    else this.#stalls.expect(`No message from ${source.name}`);
  }

  #keepPace(holds: Holds): void {
    const ready = this.#options.pace?.();
    if (ready === undefined || this.#unpaced) return;
    holds.hold('listener');
    this.#watchStalls();
    const release = (): void => {
      holds.release('listener');
      this.#watchStalls();
    };
    ready.then(release, release);
  }

  async #whenDone(): Promise<RelayEnd> {
    const { source, destination } = this.#options;
    const destinationEnd = await destination.ended;
    this.#destinationEnded = true;
    this.#watchStalls();
    clearTimeout(this.#finishTimer);
    const early = !this.#sourceEnded || this.#inputLost;
    const succeeded = destinationEnd.kind === 'exited' && destinationEnd.code === 0;
    if (!this.#outputRefused) this.#guard(() => this.#destinationLines.end(succeeded));
    if (early && !this.#killed && destinationEnd.kind === 'closed') {
      this.#cutSourceOff();
      if (!(await this.#isBeingStopped())) this.#error ??= endError(destination, destinationEnd);
    } else if (early && !this.#killed) {
      this.fail(
        succeeded
          ? new CodedError('protocol_violated', { message: `${destination.name} ended before its input did.` })
          : endError(destination, destinationEnd),
      );
    }
    const sourceEnd = await source.ended;
    // How it ended is not known; but it had more to say.
    if (sourceEnd.kind === 'closed' && !this.#sourceCutOff && this.#sourceLines.openStreams.size > 0) {
      if (await this.#isBeingStopped()) this.#sourceCutOff = true;
      else this.#error ??= endError(source, sourceEnd);
    }
    clearTimeout(this.#deadline);
    this.#stalls.close();
    return { error: this.#error, sourceCutOff: this.#sourceCutOff, killed: this.#killed, sourceEnd, destinationEnd };
  }

  async #isBeingStopped(): Promise<boolean> {
    if (this.#error !== undefined) return false;
    const given = new AbortController();
    const waited = delay(this.#options.stopHeardMs ?? STOP_HEARD_MS, false, { signal: given.signal });
    const heard = await Promise.race([this.#stopAsked.promise.then(() => true), waited]);
    given.abort();
    await waited.catch(() => undefined);
    return heard;
  }

  /** Where the source's lines were refused, that ends the run; these pieces come before that place. */
  #passOn(pieces: readonly Buffer[], onWritten: () => void): void {
    this.#write(pieces, onWritten);
    const { refusal } = this.#sourceLines;
    if (refusal !== undefined) this.fail(refusal);
  }

  /** @param onWritten called when the system has them all, or nobody takes them any more */
  #write(pieces: readonly Buffer[], onWritten: () => void): void {
    const last = pieces.at(-1);
    if (last === undefined || this.#inputLost) {
      onWritten();
      return;
    }
    const { stdin } = this.#options.destination;
    stdin.cork();
    for (const piece of pieces) stdin.write(piece, piece === last ? onWritten : undefined);
    stdin.uncork();
  }

  /** Gives the destination, whose input has ended, its time from now on. In a hurry that is not given twice. */
  #limitFinish(): void {
    if (this.#destinationEnded || this.#finishHurried) return;
    this.#finishHurried = this.#hurried;
    const { destination } = this.#options;
    const timeoutMs = this.#hurried
      ? this.#stopTimeoutMs
      : (this.#options.finishTimeoutMs ?? DESTINATION_FINISH_TIMEOUT_MS);
    clearTimeout(this.#finishTimer);
    this.#finishTimer = setTimeout(() => {
      const message = `${destination.name} did not end within ${timeoutMs / 1000} s after its input had.`;
      this.#error ??= new CodedError('timed_out', { message });
      if (this.#hurried) this.#killDestination();
      else destination.stop(this.#stopTimeoutMs);
    }, timeoutMs);
  }

  #takeOutOfBand<M extends OutOfBandMessage | DestinationMessage>(
    from: RunningConnector,
    message: M,
    give: (message: M) => void,
  ): void {
    give(message);
    if (message.type !== 'connection_status' || message.connection_status.status !== 'failed') return;
    const { message: text, failure_type } = message.connection_status;
    this.#error ??= connectionError(from.name, text, failure_type);
    // A source that says so has come to its end; it is only to be quick about it.
    if (from === this.#options.source) this.#hurry();
    else this.#cutSourceOff();
  }

  /** @returns whether it went well; an error ends the run */
  #guard(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.fail(toCodedError(error));
      return false;
    }
  }
}
