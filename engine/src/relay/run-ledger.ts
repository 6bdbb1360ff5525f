import {
  type CatalogMessage,
  type CodedError,
  type ConnectionStatusMessage,
  type DestinationMessage,
  type EngineMessage,
  type EofPayload,
  formatTimestamp,
  type LogPayload,
  message as make,
  type ProgressPayload,
  type ResolvedConfig,
  type SyncState,
  toCodedError,
} from '@penstock/protocol';
import type { EngineEvent } from '../reduce/event.ts';
import { oddityOf } from '../reduce/oddity.ts';
import { initialProgress, isTerminal, reduceProgress } from '../reduce/progress.ts';
import { continuedProgress, initialSyncState, reduceState } from '../reduce/sync-state.ts';
import type { StateSession } from '../store/state-store.ts';
import type { RelayedCount } from './source-lines.ts';

/** Logs that are kept until the run has begun; a source that says more before its catalog is not worth more memory (P4). */
const EARLY_LOGS_MAX = 100;

/**
 * Keeps what a run has come to: reduces every message to state and progress, says it to whoever listens, and has the
 * state saved. Only what came out of the destination gets here as a checkpoint (P1).
 */
export class RunLedger {
  readonly #onMessage: (message: EngineMessage) => Promise<void> | undefined;
  readonly #now: () => number;
  readonly #onSaved: () => void;
  #state: SyncState | undefined;
  #request: ProgressPayload | undefined;
  #session: StateSession | undefined;
  #savedState: SyncState | undefined;
  #saidProgress: ProgressPayload | undefined;
  #outputReady: Promise<void> | undefined;
  #relayedBytes = 0;
  /** A connector has reported its own failure, so the engine doesn't have to. */
  #connectionFailed = false;
  #failedBeforeRun: ConnectionStatusMessage | undefined;
  /** What was logged before the catalog, which is the first to be said; undefined from then on. */
  #earlyLogs: [log: LogPayload, by: string][] | undefined = [];
  /** The state that was found when the run could not begin. */
  previous: SyncState | undefined;
  readonly #requested: ProgressPayload | undefined;
  readonly #createdAt: number;

  /**
   * @param now milliseconds since 1970
   * @param onSaved called whenever a state has been saved
   * @param requested progress of the calls before that were asked for together with this one
   */
  constructor(
    onMessage: (message: EngineMessage) => Promise<void> | undefined,
    now: () => number,
    onSaved: () => void = () => undefined,
    requested?: ProgressPayload,
  ) {
    this.#onMessage = onMessage;
    this.#now = now;
    this.#onSaved = onSaved;
    this.#requested = requested;
    this.#createdAt = now();
  }

  /** Only after {@link open}. */
  get state(): SyncState {
    if (this.#state === undefined) throw new Error('the run has no state yet');
    return this.#state;
  }

  /** Something to wait for before more is said: the listener is slow (P4). */
  get outputReady(): Promise<void> | undefined {
    return this.#outputReady;
  }

  /** The run is known: says its catalog and where it stands. */
  open(state: SyncState, session: StateSession, catalog: CatalogMessage): void {
    this.#state = state;
    this.#savedState = state;
    this.#session = session;
    const names = catalog.catalog.streams.map(({ name }) => name);
    this.#request = this.#startedRequest(names, this.#now());
    this.#say(catalog, 'engine');
    this.#sayProgress();
    this.#sayEarlyLogs();
  }

  /** Takes a message of a connector, or one that the engine says of its own accord. @param by who said it */
  take(message: DestinationMessage, by: string): void {
    if (message.type === 'connection_status' && message.connection_status.status === 'failed') {
      this.#connectionFailed = true;
    }
    this.#sayEarlyLogs();
    const before = this.#state;
    const event = { at: this.#now(), type: 'message', message } as const;
    if (before !== undefined && changesNothing(before.sync_run.progress, message)) {
      this.#sayOddity(event);
      return;
    }
    this.#apply(event);
    this.#say(message, by);
    if (before !== undefined && statusChanged(before, this.state, message)) this.#sayProgress();
  }

  /** Says it; what comes before the catalog is said after that, since the catalog comes first. */
  log(log: LogPayload, by: string): void {
    if (this.#earlyLogs === undefined) this.#say(make.log(log), by);
    else if (this.#earlyLogs.length < EARLY_LOGS_MAX) this.#earlyLogs.push([log, by]);
  }

  /** Bytes of the records that this call has passed on. */
  get relayedBytes(): number {
    return this.#relayedBytes;
  }

  /** @param counts what was passed on, by stream */
  countRelayed(counts: ReadonlyMap<string, RelayedCount>): void {
    const at = this.#now();
    for (const [stream, { records: count, bytes }] of counts) {
      this.#relayedBytes += bytes;
      this.#apply({ at, type: 'records_relayed', stream, count });
    }
  }

  /** To be called a few times a second: has saved and said what has changed. */
  tick(): void {
    if (this.#state === undefined || this.#state === this.#savedState) return;
    this.#savedState = this.#state;
    // A failure reaches the run through `lost`.
    this.#session?.save(this.#state).then(this.#onSaved, () => undefined);
    if (this.#state.sync_run.progress !== this.#saidProgress) this.#sayProgress();
  }

  /** What connectors found out about their configs, for the next runs. */
  keepResolved(resolved_config: ResolvedConfig): void {
    if (this.#state !== undefined) this.#state = { ...this.#state, resolved_config };
  }

  /** The run as a whole has failed. */
  fail(error: CodedError): void {
    if (this.#connectionFailed) return;
    const { failureType: failure_type } = error;
    const status = make.connectionStatus({ status: 'failed', message: error.text.trim(), failure_type });
    this.take(status, 'engine');
    if (this.#state === undefined) this.#failedBeforeRun = status;
  }

  /** Nothing more comes: saves what isn't saved. @returns why that was not possible */
  async close(session: StateSession | undefined): Promise<CodedError | undefined> {
    if (this.#state === undefined) return undefined;
    this.#state = reduceState(this.#state, { at: this.#now(), type: 'tick' });
    try {
      await session?.save(this.#state);
      this.#onSaved();
      return undefined;
    } catch (thrown) {
      return toCodedError(thrown);
    }
  }

  /** What was saved. @param now milliseconds since 1970, for a run that could not begin */
  endingState(now: number): SyncState {
    return this.#state ?? this.previous ?? initialSyncState({ now, catalog: { streams: [] } });
  }

  /** Progress of the run, calls before this one included. @param now milliseconds since 1970 */
  runProgress(now: number): ProgressPayload {
    return this.#state?.sync_run.progress ?? this.requestProgress(now);
  }

  /** Progress of this call, and of those before that it was asked for together with. @param now milliseconds since 1970 */
  requestProgress(now: number): ProgressPayload {
    // One that could not begin has added nothing to the calls before.
    const progress = this.#request ?? this.#startedRequest([], this.#createdAt);
    const message = this.#failedBeforeRun;
    return reduceProgress(
      progress,
      message === undefined ? { at: now, type: 'tick' } : { at: now, type: 'message', message },
    );
  }

  /** The last word. */
  sayEof(eof: EofPayload): void {
    this.#sayEarlyLogs();
    if (this.#state !== undefined) this.#sayProgress();
    this.#say(make.eof(eof), 'engine');
  }

  #startedRequest(names: readonly string[], at: number): ProgressPayload {
    const before = this.#requested;
    if (before === undefined) return initialProgress(names, at);
    return continuedProgress(before, [...new Set([...Object.keys(before.streams), ...names])], at);
  }

  #apply(event: EngineEvent): void {
    if (this.#state === undefined || this.#request === undefined) return;
    this.#sayOddity(event);
    this.#state = reduceState(this.#state, event);
    this.#request = reduceProgress(this.#request, event);
  }

  #sayOddity(event: EngineEvent): void {
    const odd = oddityOf(this.state.sync_run.progress, event);
    if (odd !== undefined) this.log(odd, 'engine');
  }

  #sayEarlyLogs(): void {
    const logs = this.#earlyLogs ?? [];
    this.#earlyLogs = undefined;
    for (const [log, by] of logs) this.log(log, by);
  }

  #sayProgress(): void {
    if (this.#state === undefined) return;
    const { progress } = reduceState(this.#state, { at: this.#now(), type: 'tick' }).sync_run;
    this.#saidProgress = this.#state.sync_run.progress;
    this.#say(make.progress(progress), 'engine');
  }

  #say(message: EngineMessage, by: string): void {
    const ready = this.#onMessage({ ...message, _emitted_by: by, _ts: formatTimestamp(this.#now()) });
    if (ready === undefined || ready === this.#outputReady) return;
    this.#outputReady = ready;
    const done = (): void => {
      if (this.#outputReady === ready) this.#outputReady = undefined;
    };
    ready.then(done, done);
  }
}

/**
 * Whether it is a status that whoever listens is better not told, as the reducers too pass over it: of a stream that has ended,
 * since its first end is final (what was committed of it still counts), or of one that is unknown, unless that is an error.
 */
function changesNothing({ streams }: ProgressPayload, message: DestinationMessage): boolean {
  if (message.type !== 'stream_status') return false;
  const { stream, status } = message.stream_status;
  return Object.hasOwn(streams, stream) ? isTerminal(streams[stream]!.status) : status !== 'error';
}

function statusChanged(before: SyncState, after: SyncState, message: DestinationMessage): boolean {
  if (message.type === 'connection_status') return before !== after;
  if (message.type !== 'stream_status') return false;
  const { stream } = message.stream_status;
  return before.sync_run.progress.streams[stream]?.status !== after.sync_run.progress.streams[stream]?.status;
}
