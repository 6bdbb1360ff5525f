import type { EngineMessage, LogPayload, ProgressPayload, StreamStatusPayload } from '@penstock/protocol';

/** HTTP status of an answer that says: slow down (RFC 6585). */
const TOO_MANY_REQUESTS = 429;

/** Streams that are counted though no catalog has them; a connector that invents more is not worth more memory (P4). */
const STRANGE_STREAMS_MAX = 100;

/** What came of the records of a stream. `unknown`: committed by a destination that doesn't say more. */
export const writeOutcomes = ['created', 'updated', 'deleted', 'skipped', 'unknown'] as const;

/** What was counted of one stream since this process began. */
export interface StreamCounts {
  readonly recordsRead: number;
  readonly bytesRead: number;
  /** Committed, by what came of them. */
  readonly recordsWritten: Readonly<Record<(typeof writeOutcomes)[number], number>>;
  /** Those that came out of the destination. */
  readonly checkpoints: number;
  readonly errors: Readonly<Record<FailureType, number>>;
  /** It has said what came of its records. */
  readonly hasWriteResult: boolean;
}

type FailureType = NonNullable<Extract<StreamStatusPayload, { status: 'error' }>['failure_type']>;

/** What was counted of a connector, or of the engine itself. */
export interface ComponentCounts {
  readonly retries: number;
  /** Answers that asked it to slow down. */
  readonly rateLimited: number;
  readonly logs: Readonly<Record<LogPayload['level'], number>>;
}

/** What a run looks like to whoever measures it. Immutable. Counts are of this process; progress is of the run. */
export interface RunMetrics {
  /** Milliseconds since 1970, as all times here. */
  readonly startedAt: number;
  readonly runId?: string;
  readonly progress?: ProgressPayload;
  readonly streams: ReadonlyMap<string, StreamCounts>;
  /** By name: `source/stripe`, `destination/postgres`, `engine`. */
  readonly components: ReadonlyMap<string, ComponentCounts>;
  readonly globalCheckpoints: number;
  readonly stateSaves: number;
  readonly stateSavedAt?: number;
  /** How long the source was not read, by who was waited for. */
  readonly waitedMs: { readonly destination: number; readonly listener: number };
}

/** What metrics learn from. */
export type MetricsEvent =
  /** The run, and the names of all that take part in it. */
  | { readonly type: 'run_known'; readonly runId: string; readonly components: readonly string[] }
  /** Anything that the engine says. */
  | { readonly type: 'message'; readonly message: EngineMessage }
  /** What the relay has passed on, and what it has waited for, since the last time. */
  | {
      readonly type: 'relayed';
      readonly counts: ReadonlyMap<string, { readonly records: number; readonly bytes: number }>;
      readonly waitedMs: RunMetrics['waitedMs'];
    }
  | { readonly type: 'state_saved'; readonly at: number };

/** Before anything has happened. @param startedAt milliseconds since 1970 */
export function initialRunMetrics(startedAt: number): RunMetrics {
  return {
    startedAt,
    streams: new Map(),
    components: new Map(),
    globalCheckpoints: 0,
    stateSaves: 0,
    waitedMs: { destination: 0, listener: 0 },
  };
}

const noStreamCounts: StreamCounts = {
  recordsRead: 0,
  bytesRead: 0,
  recordsWritten: { created: 0, updated: 0, deleted: 0, skipped: 0, unknown: 0 },
  checkpoints: 0,
  errors: { config: 0, transient: 0, system: 0 },
  hasWriteResult: false,
};

const noComponentCounts: ComponentCounts = {
  retries: 0,
  rateLimited: 0,
  logs: { debug: 0, info: 0, warn: 0, error: 0 },
};

/** What an event adds. Pure. */
export function reduceRunMetrics(metrics: RunMetrics, event: MetricsEvent): RunMetrics {
  switch (event.type) {
    case 'run_known':
      return { ...metrics, runId: event.runId, components: withComponents(metrics.components, event.components) };
    case 'message':
      return reduceMessage(metrics, event.message);
    case 'relayed': {
      const { destination, listener } = metrics.waitedMs;
      const waitedMs = {
        destination: destination + event.waitedMs.destination,
        listener: listener + event.waitedMs.listener,
      };
      let next: RunMetrics = { ...metrics, waitedMs };
      for (const [stream, { records, bytes }] of event.counts) {
        next = updateStream(next, stream, (counts) => ({
          ...counts,
          recordsRead: counts.recordsRead + records,
          bytesRead: counts.bytesRead + bytes,
        }));
      }
      return next;
    }
    case 'state_saved':
      return { ...metrics, stateSaves: metrics.stateSaves + 1, stateSavedAt: event.at };
  }
}

function reduceMessage(metrics: RunMetrics, message: EngineMessage): RunMetrics {
  switch (message.type) {
    case 'catalog':
      // For the same reason as with components.
      return message.catalog.streams.reduce((next, { name }) => updateStream(next, name, same, true), metrics);
    case 'progress':
      return { ...metrics, progress: message.progress };
    case 'eof':
      return { ...metrics, progress: message.eof.run_progress };
    case 'log':
      return countLog(metrics, message._emitted_by ?? 'engine', message.log);
    case 'write_result': {
      const { stream, created, updated, deleted, skipped } = message.write_result;
      return updateStream(metrics, stream, ({ recordsWritten: before, ...counts }) => ({
        ...counts,
        hasWriteResult: true,
        recordsWritten: {
          created: before.created + created,
          updated: before.updated + updated,
          deleted: before.deleted + deleted,
          skipped: before.skipped + skipped,
          unknown: before.unknown,
        },
      }));
    }
    case 'source_state': {
      const { source_state: state } = message;
      if (state.state_type === 'global') return { ...metrics, globalCheckpoints: metrics.globalCheckpoints + 1 };
      return updateStream(metrics, state.stream, ({ recordsWritten, ...counts }) => ({
        ...counts,
        checkpoints: counts.checkpoints + 1,
        recordsWritten: counts.hasWriteResult
          ? recordsWritten
          : { ...recordsWritten, unknown: recordsWritten.unknown + (state.record_count ?? 0) },
      }));
    }
    case 'stream_status': {
      const { stream_status: status } = message;
      if (status.status !== 'error') return metrics;
      const type = status.failure_type ?? 'system';
      return updateStream(metrics, status.stream, (counts) => ({
        ...counts,
        errors: { ...counts.errors, [type]: counts.errors[type] + 1 },
      }));
    }
    default:
      return metrics;
  }
}

/**
 * A log says in its data what is counted: `retry_in_ms`, that something is tried again, and `http_status` 429, that the
 * other system asked to slow down.
 */
function countLog(metrics: RunMetrics, by: string, { level, data = {} }: LogPayload): RunMetrics {
  const { retry_in_ms: delayMs, http_status: status } = data;
  const { retries, rateLimited, logs } = metrics.components.get(by) ?? noComponentCounts;
  const counts = {
    retries: retries + (typeof delayMs === 'number' && delayMs >= 0 ? 1 : 0),
    rateLimited: rateLimited + (status === TOO_MANY_REQUESTS ? 1 : 0),
    logs: { ...logs, [level]: logs[level] + 1 },
  };
  return { ...metrics, components: new Map(metrics.components).set(by, counts) };
}

/** A counter that first shows up with a value hides its first increase, so all are known from the beginning. */
function withComponents(known: RunMetrics['components'], names: readonly string[]): RunMetrics['components'] {
  return new Map([...names.map((name) => [name, noComponentCounts] as const), ...known]);
}

function same<T>(value: T): T {
  return value;
}

/** Changes the counts of a stream. One that no catalog has is counted too, but not any number of them. */
function updateStream(
  metrics: RunMetrics,
  name: string,
  update: (counts: StreamCounts) => StreamCounts,
  isInCatalog = false,
): RunMetrics {
  const { streams } = metrics;
  const known = streams.get(name);
  const count = Object.keys(metrics.progress?.streams ?? {}).length;
  if (known === undefined && !isInCatalog && streams.size >= count + STRANGE_STREAMS_MAX) return metrics;
  return { ...metrics, streams: new Map(streams).set(name, update(known ?? noStreamCounts)) };
}
