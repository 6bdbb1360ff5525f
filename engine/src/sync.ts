import { randomBytes } from 'node:crypto';
import {
  type CatalogMessage,
  CodedError,
  type ConfiguredCatalog,
  type DestinationMessage,
  type EngineMessage,
  type EofPayload,
  type LogPayload,
  message as make,
  type ProgressPayload,
  type SyncState,
  scrubLog,
  scrubText,
  toCodedError,
} from '@penstock/protocol';
import { askConnector } from './launch/ask-connector.ts';
import type { Connector, RunningConnector } from './launch/launcher.ts';
import { openSession } from './open-session.ts';
import { configureCatalog } from './pipeline/configured-catalog.ts';
import type { StreamChoice } from './pipeline/pipeline-schema.ts';
import type { PreparedSide } from './pipeline/prepare.ts';
import type { Side } from './pipeline/resolve-connector.ts';
import { ResolvedSides } from './pipeline/resolved-sides.ts';
import { startRun } from './reduce/start-run.ts';
import { unfinishedRunId } from './reduce/sync-state.ts';
import type { WaitedMs } from './relay/holds.ts';
import type { Audience } from './relay/listener.ts';
import { describeLost, eofReason, exitCodeOfRun, judgeEnding, type StopReason } from './relay/outcome.ts';
import { Relay } from './relay/relay.ts';
import { RunLedger } from './relay/run-ledger.ts';
import { showMessage } from './relay/show-message.ts';
import type { OutOfBandMessage, RelayedCount } from './relay/source-lines.ts';
import { runEndOf } from './store/run-history.ts';
import type { SecretsFile } from './store/secrets-file.ts';
import type { StateSession, StateStore } from './store/state-store.ts';
import { tellListener } from './tell-listener.ts';

/** How often progress goes out and state is saved, at most, while nothing changes its status. */
const TICK_MS = 250;

/** What to run, and how. */
export interface SyncOptions {
  /** The key of the state. */
  readonly name: string;
  readonly source: PreparedSide;
  readonly destination: PreparedSide;
  /** All streams that are not optional when absent. */
  readonly streams?: readonly StreamChoice[] | undefined;
  /** Stays open; it is the caller's to close. */
  readonly store: StateStore;
  /** Where secrets are kept that connectors find out about their configs. */
  readonly secretsFile: SecretsFile;
  /**
   * Everything that the engine says: `catalog` first, `eof` last. Called in order, never after the run has ended. A promise
   * that it returns is waited for before the connectors are read on. When it throws, or its promise rejects, the run stops
   * softly, has failed, and nothing more is said to it.
   */
  readonly onMessage: (message: EngineMessage) => Promise<void> | undefined;
  /** Told the id of the run before its first message. */
  readonly onRun?: (runId: string) => void;
  /** The run that this call belongs to; by default the unfinished one, or a new one. */
  readonly runId?: string | undefined;
  /** Forgets the saved state first, but not what connectors found out about their configs. */
  readonly resetState?: boolean | undefined;
  /** Stops softly after so much time: what was committed is saved, the next call goes on. */
  readonly timeLimitMs?: number | undefined;
  /** Stops softly once so many records were passed on; those that are under way are moved too. */
  readonly recordLimit?: number | undefined;
  /** Until the source's first byte. */
  readonly startTimeoutMs?: number | undefined;
  /** How long nothing may move before a warning says who is waited for. */
  readonly stallTimeoutMs?: number | undefined;
  /** Told what was passed on since the last time, by stream, and what was waited for. A few times a second, and for each piece. */
  readonly onRelayed?: ((counts: ReadonlyMap<string, RelayedCount>, waitedMs: WaitedMs) => void) | undefined;
  /** Told whenever the state has been saved while the connectors work, and at the end. */
  readonly onSaved?: (() => void) | undefined;
  /** Progress of calls before, of which this one is the continuation for whoever asked: `request_progress` adds to it. */
  readonly requestProgress?: ProgressPayload | undefined;
  /** Stops softly when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Kills both sides when it is aborted. */
  readonly killSignal?: AbortSignal | undefined;
  /**
   * How long to wait at the end for promises of the listener, so that none is missed that rejects. Not at all by default, as
   * for a command, which waits for its output itself.
   */
  readonly listenerWaitMs?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** How it went. */
export interface SyncResult {
  /** As in the table of exit codes. */
  readonly exitCode: number;
  readonly eof: EofPayload;
  /** What ended the run as a whole; a stream's failure stands in its progress. */
  readonly error?: CodedError;
}

/** Runs a pipeline once. Never rejects: whatever happens, `eof` is said and the result tells. */
export async function runSync(options: SyncOptions): Promise<SyncResult> {
  return tellListener(options, (audience) => runCall(options, audience));
}

/** One call of a run. Never rejects. @param audience in place of `onMessage` */
export async function runCall(options: SyncOptions, audience: Audience): Promise<SyncResult> {
  const now = options.now ?? Date.now;
  const stop = new AbortController();
  let stopReason: StopReason | undefined;
  const stopSoftly = (reason: StopReason): void => {
    stopReason ??= reason;
    stop.abort();
  };
  const onAbort = (): void => stopSoftly('aborted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  const limit =
    options.timeLimitMs === undefined ? undefined : setTimeout(() => stopSoftly('time_limit'), options.timeLimitMs);
  const onUnheard = (): void => stop.abort();
  audience.failed.addEventListener('abort', onUnheard, { once: true });
  if (audience.failed.aborted) onUnheard();
  const ledger = new RunLedger((message) => audience.say(message), now, options.onSaved, options.requestProgress);
  const sides = new ResolvedSides({
    sides: { source: options.source, destination: options.destination },
    secretsFile: options.secretsFile,
    onKept: (resolved) => ledger.keepResolved(resolved),
    onLog: (log) => ledger.log(scrubLog(log, sides.secrets), 'engine'),
  });
  stop.signal.addEventListener('abort', () => {
    const why = stopReason === 'aborted' ? 'Asked to stop' : 'A limit is reached';
    const message = `${why}: the source is stopped, and the destination finishes.`;
    ledger.log({ level: 'info', message, data: { stopping: stopReason } }, 'engine');
  });
  let session: StateSession | undefined;
  let hasMore = false;
  let error: CodedError | undefined;
  try {
    const opened = await begin(options, sides, ledger, stop.signal, now());
    session = opened.session;
    ({ error, hasMore } = await move(options, sides, opened, ledger, stop.signal, stopSoftly));
  } catch (thrown) {
    error = toCodedError(thrown);
  } finally {
    clearTimeout(limit);
    options.signal?.removeEventListener('abort', onAbort);
  }
  if (error?.code === 'stopped') hasMore = true;
  error = listenerError(audience) ?? error;
  if (error !== undefined && error.code !== 'stopped') ledger.fail(scrubError(error, sides.secrets));
  await sides.whenIdle();
  const unsaved = await ledger.close(session);
  if (unsaved !== undefined) ledger.fail(scrubError(unsaved, sides.secrets));
  error = listenerError(audience) ?? unsaved ?? error;
  audience.failed.removeEventListener('abort', onUnheard);
  const shown = error === undefined ? undefined : scrubError(error, sides.secrets);
  const progress = ledger.requestProgress(now());
  await session?.endRun(runEndOf(shown, hasMore, progress, options.requestProgress, ledger.relayedBytes));
  await session?.close();
  return end(ledger, shown, hasMore, stopReason, now());
}

function listenerError({ failed }: Audience): CodedError | undefined {
  return failed.aborted ? failed.reason : undefined;
}

interface Begun {
  readonly session: StateSession;
  readonly catalog: ConfiguredCatalog;
}

/** Takes the lease, and asks the source what it has with the config that the state adds to; then the run is known. */
async function begin(
  options: SyncOptions,
  sides: ResolvedSides,
  ledger: RunLedger,
  signal: AbortSignal,
  now: number,
): Promise<Begun> {
  const { session, previous } = await openSession(options, now);
  try {
    ledger.previous = previous;
    await sides.use(previous?.resolved_config);
    const source = sides.get('source');
    const onLog = (log: LogPayload): void => ledger.log(scrubLog(log, sides.secrets), source.connector.name);
    const request = { command: 'discover', config: source.config, secrets: source.secrets } as const;
    const { catalog } = await askConnector(source.connector, request, 'catalog', { onLog, signal });
    const modes = options.destination.spec.destination_sync_modes;
    const configured = configureCatalog(catalog, options.streams, modes);
    const runId = options.runId ?? unfinishedRunId(previous, configured) ?? newRunId(now);
    const { state, catalog: ofRun } = startRun(configured, previous, runId, now);
    options.onRun?.(state.sync_run.run_id!);
    ledger.open(state, session, make.catalog({ streams: ofRun.streams.map(({ stream }) => stream) }) as CatalogMessage);
    sayContinuation(ledger, previous, state, ofRun);
    // Before anything runs, so that a run that is killed is continued under its own id and ceiling.
    await session.save(state);
    await session.beginRun(state.sync_run.run_id!);
    return { session, catalog: ofRun };
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}

function sayContinuation(
  ledger: RunLedger,
  previous: SyncState | undefined,
  { sync_run }: SyncState,
  { streams }: ConfiguredCatalog,
): void {
  if (previous === undefined || previous.sync_run.run_id !== sync_run.run_id) return;
  const { run_id, time_ceiling } = sync_run;
  if (streams.length === 0) {
    ledger.log({ level: 'info', message: `The run ${run_id} is over; there is nothing left to do in it.` }, 'engine');
    return;
  }
  const until = time_ceiling === undefined ? '' : `; it covers what there was until ${time_ceiling}`;
  ledger.log({ level: 'info', message: `Going on with the unfinished run ${run_id}${until}.` }, 'engine');
}

/** Sorts by time, and says when the run began. */
function newRunId(now: number): string {
  return `run_${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}_${randomBytes(3).toString('hex')}`;
}

/** Starts both sides, joins them, and waits for their ends. */
async function move(
  options: SyncOptions,
  sides: ResolvedSides,
  { session, catalog }: Begun,
  ledger: RunLedger,
  signal: AbortSignal,
  stopSoftly: (reason: StopReason) => void,
): Promise<{ error: CodedError | undefined; hasMore: boolean }> {
  const names = new Set(catalog.streams.map(({ stream }) => stream.name));
  // All that this run was to move has been moved by the calls before.
  if (names.size === 0) return { error: undefined, hasMore: false };
  if (signal.aborted) return { error: undefined, hasMore: true };
  const [source, destination] = await launchBoth(options, sides, catalog, ledger, signal);
  const take = (side: Side, message: OutOfBandMessage | DestinationMessage): void => {
    if (message.type === 'control') sides.take(side, message.control);
    const { connector, spec } = sides.get(side);
    ledger.take(showMessage(message, { spec, secrets: sides.secrets }), connector.name);
  };
  let left = options.recordLimit ?? Number.POSITIVE_INFINITY;
  const countRelayed = (): void => {
    const counts = relay.takeCounts();
    const waitedMs = relay.takeWaitedMs();
    if (counts.size > 0 || waitedMs.destination > 0 || waitedMs.listener > 0) options.onRelayed?.(counts, waitedMs);
    if (counts.size === 0) return;
    ledger.countRelayed(counts);
    for (const { records } of counts.values()) left -= records;
    if (left <= 0) stopSoftly('record_limit');
  };
  const relay: Relay = new Relay({
    source,
    destination,
    streams: names,
    ...(options.startTimeoutMs === undefined ? {} : { startTimeoutMs: options.startTimeoutMs }),
    ...(options.stallTimeoutMs === undefined ? {} : { stallTimeoutMs: options.stallTimeoutMs }),
    onLog: (log) => ledger.log(scrubLog(log, sides.secrets), 'engine'),
    onSourceMessage: (message) => take('source', message),
    onDestinationMessage: (message) => take('destination', message),
    pace: () => {
      countRelayed();
      return ledger.outputReady;
    },
    onUnknownStream: (stream) => {
      if (Object.hasOwn(ledger.state.sync_run.progress.streams, stream)) {
        const message = `${source.name} wrote messages of the stream "${stream}", which had ended in this run before and was not asked for again; they were dropped.`;
        ledger.log({ level: 'warn', message, stream }, 'engine');
        return;
      }
      const error = `${source.name} wrote messages of the stream "${stream}", which is not in the catalog; they were dropped.`;
      ledger.take(make.streamStatus({ stream, status: 'error', error, failure_type: 'system' }), 'engine');
    },
  });
  const onStop = (): void => relay.stop();
  const onKill = (): void => relay.kill();
  const onLost = (): void => {
    relay.fail(toCodedError(session.lost.reason));
    relay.kill();
  };
  const wired: [AbortSignal | undefined, () => void][] = [
    [signal, onStop],
    [options.killSignal, onKill],
    [session.lost, onLost],
  ];
  for (const [on, act] of wired) {
    on?.addEventListener('abort', act, { once: true });
    if (on?.aborted) act();
  }
  const timer = setInterval(() => {
    countRelayed();
    ledger.tick();
  }, TICK_MS);
  const relayEnd = await relay.done;
  clearInterval(timer);
  for (const [on, act] of wired) on?.removeEventListener('abort', act);
  countRelayed();
  ledger.tick();
  const ending = judgeEnding(relayEnd, source, destination, ledger.state.sync_run.progress, names);
  for (const stream of ending.lost) {
    const error = scrubText(describeLost(source, destination), sides.secrets);
    ledger.take(make.streamStatus({ stream, status: 'error', error, failure_type: 'system' }), 'engine');
  }
  return ending;
}

async function launchBoth(
  { startTimeoutMs }: SyncOptions,
  sides: ResolvedSides,
  catalog: ConfiguredCatalog,
  ledger: RunLedger,
  signal: AbortSignal,
): Promise<[RunningConnector, RunningConnector]> {
  const { state } = ledger;
  const [source, destination] = [sides.get('source'), sides.get('destination')];
  const names = new Set(catalog.streams.map(({ stream }) => stream.name));
  const streams = Object.fromEntries(Object.entries(state.source.streams).filter(([name]) => names.has(name)));
  const wait = { signal, ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }) };
  // What connectors of the SDK say there stands in their log messages too, so it is not for everybody. What nobody takes is
  // not kept (P4); the end of it is, for the error report.
  const onStderr =
    ({ name }: Connector) =>
    (message: string): void => {
      if (ledger.outputReady === undefined) ledger.log({ level: 'debug', message, data: { stderr: true } }, name);
    };
  const write = {
    command: 'write',
    onStderr: onStderr(destination.connector),
    config: destination.config,
    secrets: destination.secrets,
    catalog,
    ...wait,
  } as const;
  const read = {
    command: 'read',
    onStderr: onStderr(source.connector),
    config: source.config,
    secrets: source.secrets,
    catalog,
    state: { streams, global: state.source.global },
    ...wait,
  } as const;
  const writer = await destination.connector.launch(write);
  try {
    return [await source.connector.launch(read), writer];
  } catch (error) {
    writer.kill();
    throw error;
  }
}

function scrubError(error: CodedError, secrets: readonly string[]): CodedError {
  const message = scrubText(error.message, secrets);
  return message === error.message
    ? error
    : new CodedError(error.code, { message, remedy: error.remedy, cause: error.cause });
}

function end(
  ledger: RunLedger,
  error: CodedError | undefined,
  hasMore: boolean,
  stopReason: StopReason | undefined,
  now: number,
): SyncResult {
  const ending_state = ledger.endingState(now);
  const run_progress = ledger.runProgress(now);
  const failed = error !== undefined && error.code !== 'stopped';
  // One that was stopped before it knew its streams has done nothing, though none of them is left.
  const status = failed ? 'failed' : error === undefined ? run_progress.derived.status : 'started';
  const eof: EofPayload = {
    status,
    has_more: hasMore,
    reason: eofReason(error, hasMore, stopReason, status),
    ending_state,
    run_progress,
    request_progress: ledger.requestProgress(now),
  };
  ledger.sayEof(eof);
  return { exitCode: exitCodeOfRun(error, hasMore, run_progress), eof, ...(failed ? { error } : {}) };
}
