import {
  formatTimestamp,
  type ProgressPayload,
  parseTimestamp,
  type RunStatus,
  type SourceStatePayload,
  type StreamProgress,
  type StreamStatusPayload,
  type TimeRange,
  timeRangeSchema,
  type WriteResultPayload,
} from '@penstock/protocol';
import type { EngineEvent } from './event.ts';
import { addRange, syncedThrough } from './ranges.ts';

/** Where a stream stands. */
export type ProgressStatus = StreamProgress['status'];

/** Whether a stream in this status is done with, for this run. */
export function isTerminal(status: ProgressStatus): boolean {
  return status === 'completed' || status === 'skipped' || status === 'errored';
}

/** A stream of which nothing was heard yet. */
export function initialStreamProgress(): StreamProgress {
  return { status: 'not_started', record_count: 0, state_count: 0 };
}

/**
 * Progress before anything has happened.
 *
 * @param streams names, in the order in which they are to be shown
 * @param at milliseconds since 1970
 */
export function initialProgress(streams: readonly string[], at: number): ProgressPayload {
  return derive({
    started_at: formatTimestamp(at),
    elapsed_ms: 0,
    global_state_count: 0,
    derived: { status: 'started', records_per_second: 0, states_per_second: 0 },
    streams: Object.fromEntries(streams.map((name) => [name, initialStreamProgress()])),
  });
}

/**
 * What an event does to progress. Pure; gives back the same object when nothing changed. The only fields that depend on
 * several streams are `derived` and the two global ones, so streams may be interleaved in any way.
 *
 * `record_count` counts what was committed: the rows of each `write_result` (one a committed batch). For a destination that
 * sends none, the `record_count` of each checkpoint that comes out of it: that too was committed. The first write result
 * of a stream decides for the rest of the run. What was merely relayed is never counted.
 *
 * The cost is one copy of the table of streams and one sum over it for each message; records never come here one by one.
 */
export function reduceProgress(progress: ProgressPayload, event: EngineEvent): ProgressPayload {
  if (event.type === 'records_relayed') return progress;
  const reduced = event.type === 'tick' ? progress : reduceMessage(progress, event.message);
  if (reduced === progress && event.type !== 'tick') return progress;
  // A clock that is set back doesn't take back what was seen.
  const elapsed_ms = Math.max(progress.elapsed_ms, event.at - parseTimestamp(progress.started_at));
  return derive({ ...reduced, elapsed_ms: Math.round(elapsed_ms) });
}

function reduceMessage(progress: ProgressPayload, message: (EngineEvent & { type: 'message' })['message']) {
  switch (message.type) {
    case 'stream_status':
      return reduceStreamStatus(progress, message.stream_status);
    case 'write_result':
      return updateStream(progress, message.write_result.stream, (stream) =>
        countWriteResult(stream, message.write_result),
      );
    case 'source_state':
      return reduceCheckpoint(progress, message.source_state);
    case 'connection_status':
      // The first failure is the cause; what comes later is mostly its echo.
      if (message.connection_status.status !== 'failed' || progress.connection_status !== undefined) return progress;
      return { ...progress, connection_status: message.connection_status };
    default:
      return progress;
  }
}

/** Changes one stream; a stream that isn't in the catalog changes nothing. */
function updateStream(
  progress: ProgressPayload,
  name: string,
  update: (stream: StreamProgress) => StreamProgress,
): ProgressPayload {
  if (!Object.hasOwn(progress.streams, name)) return progress;
  const before = progress.streams[name]!;
  const after = update(before);
  return after === before ? progress : withStream(progress, name, after);
}

function withStream(progress: ProgressPayload, name: string, stream: StreamProgress): ProgressPayload {
  return { ...progress, streams: { ...progress.streams, [name]: stream } };
}

function reduceStreamStatus(progress: ProgressPayload, payload: StreamStatusPayload): ProgressPayload {
  // A stream that nobody asked for is an error, and that must be seen; its other messages are only odd.
  if (payload.status === 'error' && !Object.hasOwn(progress.streams, payload.stream)) {
    return withStream(progress, payload.stream, nextStatus(initialStreamProgress(), payload));
  }
  return updateStream(progress, payload.stream, (stream) => nextStatus(stream, payload));
}

function nextStatus(stream: StreamProgress, payload: StreamStatusPayload): StreamProgress {
  switch (payload.status) {
    case 'range_complete': {
      const before = stream.completed_ranges ?? [];
      const completed_ranges = addRange(before, payload.range_complete);
      return completed_ranges === before ? stream : withSyncedThrough({ ...stream, completed_ranges });
    }
    case 'running':
      return stream;
    case 'start': {
      if (stream.status !== 'not_started') return stream;
      const total_range = closedRange(payload.time_range);
      return withSyncedThrough({
        ...stream,
        status: 'started',
        ...(total_range === undefined ? {} : { total_range }),
      });
    }
    case 'complete':
      return isTerminal(stream.status) ? stream : withSyncedThrough({ ...stream, status: 'completed' });
    case 'skip':
      return isTerminal(stream.status) ? stream : { ...stream, status: 'skipped', message: payload.reason };
    case 'error': {
      if (isTerminal(stream.status)) return stream;
      const { failure_type } = payload;
      return {
        ...stream,
        status: 'errored',
        message: payload.error,
        ...(failure_type === undefined ? {} : { failure_type }),
      };
    }
  }
}

function closedRange(range: { gte?: string | undefined; lt?: string | undefined } | undefined): TimeRange | undefined {
  return timeRangeSchema.safeParse(range).data;
}

function withSyncedThrough(stream: StreamProgress): StreamProgress {
  const synced_through = syncedThrough(stream);
  return synced_through === undefined ? stream : { ...stream, synced_through };
}

function countWriteResult(stream: StreamProgress, result: WriteResultPayload): StreamProgress {
  return {
    ...stream,
    record_count: stream.record_count + result.created + result.updated + result.deleted + result.skipped,
    created_count: (stream.created_count ?? 0) + result.created,
    updated_count: (stream.updated_count ?? 0) + result.updated,
    deleted_count: (stream.deleted_count ?? 0) + result.deleted,
    skipped_count: (stream.skipped_count ?? 0) + result.skipped,
  };
}

function reduceCheckpoint(progress: ProgressPayload, checkpoint: SourceStatePayload): ProgressPayload {
  if (checkpoint.state_type === 'global') {
    return { ...progress, global_state_count: progress.global_state_count + 1 };
  }
  return updateStream(progress, checkpoint.stream, (stream) => {
    const counted = stream.created_count === undefined ? (checkpoint.record_count ?? 0) : 0;
    return { ...stream, record_count: stream.record_count + counted, state_count: stream.state_count + 1 };
  });
}

function derive(progress: ProgressPayload): ProgressPayload {
  let records = 0;
  let states = progress.global_state_count;
  let active = false;
  let errored = false;
  for (const name in progress.streams) {
    const stream = progress.streams[name]!;
    records += stream.record_count;
    states += stream.state_count;
    if (stream.status === 'errored') errored = true;
    else if (!isTerminal(stream.status)) active = true;
  }
  const seconds = progress.elapsed_ms / 1000;
  const status = runStatus(progress.connection_status !== undefined, active, errored);
  return {
    ...progress,
    derived: {
      status,
      records_per_second: seconds === 0 ? 0 : records / seconds,
      states_per_second: seconds === 0 ? 0 : states / seconds,
    },
  };
}

function runStatus(connectionFailed: boolean, active: boolean, errored: boolean): RunStatus {
  if (connectionFailed) return 'failed';
  if (active) return 'started';
  return errored ? 'failed' : 'succeeded';
}
