import type { EngineMessage, EofPayload, LogPayload, StreamProgress } from '@penstock/protocol';
import { type Change, changesBy, type LoggedRun } from './changes.ts';
import { entryOf, type Facts, type FactsOf, type LogContext, type LogEntry } from './log-entry.ts';
import { lineText } from './paint.ts';
import { progressText, streamLine } from './plain.ts';
import { type RunView, recentRates } from './run-view.ts';
import { outcomeText } from './summary.ts';
import { plural } from './text.ts';

/** What the lines depend on besides the messages. */
export interface LogOptions extends LogContext {
  readonly logLevel: LogPayload['level'];
}

/**
 * The entries that a message adds to a log for programs: what {@link changesBy} finds. Pure.
 *
 * @param at when the message came, in milliseconds since 1970
 */
export function logEntries(
  before: LoggedRun,
  message: EngineMessage,
  at: number,
  options: LogOptions,
): { readonly run: LoggedRun; readonly entries: readonly LogEntry[] } {
  const { run, changes } = changesBy(before, message, at, options.logLevel);
  return { run, entries: changes.map((change) => entryOf(at, options, factsOf(change, run.view, at))) };
}

function factsOf(change: Change, view: RunView, at: number): Facts {
  const component = 'engine';
  switch (change.kind) {
    case 'log': {
      const { level, message, stream, data } = change.log;
      return {
        level,
        message,
        component: change.by ?? component,
        ...(stream === undefined ? {} : { stream }),
        event: 'log',
        ...(data === undefined ? {} : { data }),
      };
    }
    case 'begun': {
      const message = plural(change.streamCount, 'stream');
      return { level: 'info', message, component, event: 'run_started', stream_count: change.streamCount };
    }
    case 'failed': {
      const { message = 'The connection failed.', failure_type } = change.status;
      return { level: 'error', message, component: change.by ?? component, event: 'connection_failed', failure_type };
    }
    case 'stream':
      return { component, stream: change.name, ...streamFacts(change.stream) };
    case 'progress':
      return {
        level: 'info',
        message: progressText(view, at),
        component,
        event: 'progress',
        ...countsOf(Object.values(view.progress?.streams ?? {})),
        records_per_second: Math.round(recentRates(view, at).total),
      };
    case 'ended':
      return { component, event: 'run_ended', ...endFacts(change.eof) };
  }
}

const streamEvents = {
  not_started: ['stream_started', 'info'],
  started: ['stream_started', 'info'],
  completed: ['stream_completed', 'info'],
  skipped: ['stream_skipped', 'warn'],
  errored: ['stream_failed', 'error'],
} as const satisfies Record<StreamProgress['status'], readonly [LogEntry['event'], LogPayload['level']]>;

function streamFacts(stream: StreamProgress): FactsOf<'level' | 'message' | 'event'> {
  const [event, level] = streamEvents[stream.status];
  const { synced_through, failure_type, message: reason } = stream;
  return {
    level,
    message: lineText(streamLine(stream)),
    event,
    ...countsOf([stream]),
    ...(synced_through === undefined ? {} : { synced_through }),
    ...(reason === undefined ? {} : { reason }),
    ...(failure_type === undefined ? {} : { failure_type }),
  };
}

function endFacts(eof: EofPayload): FactsOf<'level' | 'message'> {
  const { run_progress, request_progress, status, reason, has_more } = eof;
  const failed = Object.values(run_progress.streams).filter((stream) => stream.status === 'errored').length;
  const failure = run_progress.connection_status ?? request_progress.connection_status;
  const hasFailed = failure !== undefined || failed > 0 || status === 'failed';
  return {
    level: hasFailed ? 'error' : 'info',
    message: failure?.message === undefined ? outcomeText(eof) : `${outcomeText(eof)}: ${failure.message}`,
    status,
    reason,
    has_more,
    failed_stream_count: failed,
    elapsed_seconds: request_progress.elapsed_ms / 1000,
    ...countsOf(Object.values(request_progress.streams)),
  };
}

/** What was committed, of all these streams together. */
function countsOf(streams: readonly StreamProgress[]): Record<string, number> {
  const sum = (count: (stream: StreamProgress) => number | undefined): number =>
    streams.reduce((total, stream) => total + (count(stream) ?? 0), 0);
  const records = sum((stream) => stream.record_count);
  // A destination may not say what came of them.
  if (streams.every(({ created_count }) => created_count === undefined)) return { records };
  return {
    records,
    created: sum((stream) => stream.created_count),
    updated: sum((stream) => stream.updated_count),
    deleted: sum((stream) => stream.deleted_count),
    skipped: sum((stream) => stream.skipped_count),
  };
}
