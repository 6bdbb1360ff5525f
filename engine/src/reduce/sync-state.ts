import {
  type ConfiguredCatalog,
  type ConfiguredStream,
  emptySourceState,
  formatTimestamp,
  type ProgressPayload,
  parseTimestamp,
  reduceSourceState,
  type StreamProgress,
  type SyncState,
} from '@penstock/protocol';
import type { EngineEvent } from './event.ts';
import { initialProgress, initialStreamProgress, isTerminal, reduceProgress } from './progress.ts';

/** What an event does to the state of a pipeline: progress, and the source state of what came out of the destination. Pure. */
export function reduceState(state: SyncState, event: EngineEvent): SyncState {
  const progress = reduceProgress(state.sync_run.progress, event);
  const source =
    event.type === 'message' && event.message.type === 'source_state'
      ? reduceSourceState(state.source, event.message.source_state)
      : state.source;
  if (progress === state.sync_run.progress && source === state.source) return state;
  return { ...state, source, sync_run: { ...state.sync_run, progress } };
}

/** What decides how a call begins. */
export interface RunStart {
  /** The state that is kept, if any. */
  readonly previous?: SyncState | undefined;
  /** The run that this call belongs to. Without one there is no upper bound, and progress starts anew. */
  readonly runId?: string | undefined;
  /** Starts the run anew even when `previous` is of the same run. */
  readonly newRun?: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** All streams of the pipeline, those that are done included. */
  readonly catalog: ConfiguredCatalog;
}

/**
 * The state at the beginning of a call; the source state and what connectors found out about their configs are always kept.
 *
 * - A continuation (the run id of `previous`) keeps the run's ceiling and adds to its progress. Streams that completed,
 *   were skipped or failed by `config` stay as they are; all others are not started any more, whatever they had counted.
 * - A new run id freezes `time_ceiling` at `now` and starts new progress.
 * - Without a run id there is no ceiling, and progress is new.
 */
export function initialSyncState({ previous, runId, newRun = false, now, catalog }: RunStart): SyncState {
  const resolved_config = previous?.resolved_config;
  const kept = {
    source: previous?.source ?? emptySourceState(),
    destination: previous?.destination ?? {},
    ...(resolved_config === undefined ? {} : { resolved_config }),
  };
  const names = catalog.streams.map(({ stream }) => stream.name);
  if (runId === undefined) return { ...kept, sync_run: { progress: initialProgress(names, now) } };
  if (previous?.sync_run.run_id === runId && !newRun) {
    const time_ceiling = previous.sync_run.time_ceiling ?? ceiling(now);
    const progress = continuedProgress(previous.sync_run.progress, names, now);
    return { ...kept, sync_run: { run_id: runId, time_ceiling, progress } };
  }
  return { ...kept, sync_run: { run_id: runId, time_ceiling: ceiling(now), progress: initialProgress(names, now) } };
}

/** Whole seconds, which is what sources count in; earlier by less than one is harmless. */
function ceiling(now: number): string {
  return formatTimestamp(Math.floor(now / 1000) * 1000);
}

/**
 * Progress that a continuation adds to: what it leaves out stays as it is, all else is not started.
 *
 * @param names of the streams that it is to have
 * @param now milliseconds since 1970
 */
export function continuedProgress(previous: ProgressPayload, names: readonly string[], now: number): ProgressPayload {
  const { connection_status: _overcome, ...rest } = previous;
  const streams = names.map((name) => {
    const known = Object.hasOwn(previous.streams, name) ? previous.streams[name] : undefined;
    return [name, known === undefined ? initialStreamProgress() : continuedStream(known)] as const;
  });
  return reduceProgress({ ...rest, streams: Object.fromEntries(streams) }, { type: 'tick', at: now });
}

/**
 * Whether a continuation leaves the stream out. Failures of the `system` are tried again as transient ones are: the exit
 * code of such a run tells the caller to try again, and a try that leaves the stream out could never succeed.
 */
function isLeftOut(stream: StreamProgress): boolean {
  return isTerminal(stream.status) && (stream.status !== 'errored' || stream.failure_type === 'config');
}

function continuedStream(stream: StreamProgress): StreamProgress {
  if (isLeftOut(stream)) return stream;
  const { message: _message, failure_type: _failureType, ...rest } = stream;
  return { ...rest, status: 'not_started' };
}

/**
 * The run that a call without a run id of its own belongs to: the one in `previous` when it was cut off, so that some
 * stream of the catalog has not ended; else undefined, and the caller makes a new id. A run whose streams have all ended is
 * over even when some failed: a new one tries those again, and doesn't hold the others back at an old ceiling.
 */
export function unfinishedRunId(previous: SyncState | undefined, catalog: ConfiguredCatalog): string | undefined {
  if (previous?.sync_run.run_id === undefined) return undefined;
  const { streams } = previous.sync_run.progress;
  const unfinished = catalog.streams.some(
    ({ stream: { name } }) => Object.hasOwn(streams, name) && !isTerminal(streams[name]!.status),
  );
  return unfinished ? previous.sync_run.run_id : undefined;
}

/**
 * What this call is to move: the catalog without the streams that have ended in this run, each with the run's ceiling as
 * its upper bound where it supports a range and the user gave none.
 *
 * @param state from {@link initialSyncState}
 */
export function catalogOfRun(catalog: ConfiguredCatalog, state: SyncState): ConfiguredCatalog {
  const { time_ceiling, progress } = state.sync_run;
  return {
    ...catalog,
    streams: catalog.streams
      .filter(
        ({ stream: { name } }) => !Object.hasOwn(progress.streams, name) || !isTerminal(progress.streams[name]!.status),
      )
      .map((configured) => (time_ceiling === undefined ? configured : withCeiling(configured, time_ceiling))),
  };
}

function withCeiling(configured: ConfiguredStream, time_ceiling: string): ConfiguredStream {
  const supported = configured.supports_time_range ?? configured.stream.supports_time_range ?? false;
  if (!supported || configured.time_range?.lt !== undefined) return configured;
  const gte = configured.time_range?.gte;
  // A lower bound after the ceiling leaves an empty range, not a backwards one.
  const lt = gte !== undefined && parseTimestamp(gte) > parseTimestamp(time_ceiling) ? gte : time_ceiling;
  return { ...configured, time_range: { ...configured.time_range, lt } };
}
