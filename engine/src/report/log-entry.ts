import type { CodedError, LogPayload } from '@penstock/protocol';

/** A line of a log for programs. Which other fields there are depends on `event`. */
export interface LogEntry {
  /** ISO 8601 in UTC. */
  readonly time: string;
  readonly level: LogPayload['level'];
  /** What a person reads. */
  readonly message: string;
  readonly pipeline?: string | undefined;
  /** From when it is known on. */
  readonly run_id?: string | undefined;
  /** Who said it: `engine`, `source/stripe`, `destination/postgres`. */
  readonly component: string;
  /** Where it is about one. */
  readonly stream?: string | undefined;
  readonly event:
    | 'log'
    | 'note'
    | 'run_started'
    | 'stream_started'
    | 'stream_completed'
    | 'stream_skipped'
    | 'stream_failed'
    | 'progress'
    | 'connection_failed'
    | 'run_ended';
  readonly [field: string]: unknown;
}

/** Of which run a line is. */
export interface LogContext {
  readonly pipeline?: string | undefined;
  readonly runId?: string | undefined;
}

/** What the engine says to whoever has started it, as an entry. Pure. */
export function noteEntry(text: string, at: number, context: LogContext): LogEntry {
  return entryOf(at, context, { level: 'info', message: text, component: 'engine', event: 'note' });
}

/** What is said in place of everything else when a run could not even begin. Pure. */
export function failedEntry(error: CodedError, at: number, context: LogContext): LogEntry {
  const { code, failureType: failure_type } = error;
  const [message, isStopped] = [error.text.trim(), code === 'stopped'];
  const how = { level: isStopped ? 'info' : 'error', reason: isStopped ? 'aborted' : 'error' } as const;
  return entryOf(at, context, {
    message,
    ...how,
    component: 'engine',
    event: 'run_ended',
    failure_type,
    has_more: isStopped,
  });
}

/** An entry as a line, with its newline. */
export function encodeLogEntry(entry: LogEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

/** What an entry says besides its time and its run. */
export type Facts = Pick<LogEntry, 'level' | 'message' | 'component' | 'event'> & Readonly<Record<string, unknown>>;
/** The same, of which only some need to be there. */
export type FactsOf<Key extends keyof Facts> = Pick<Facts, Key> & Readonly<Record<string, unknown>>;

/** An entry of a run. Pure. */
export function entryOf(at: number, { pipeline, runId }: LogContext, { level, message, ...facts }: Facts): LogEntry {
  return {
    time: new Date(at).toISOString(),
    level,
    message,
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(runId === undefined ? {} : { run_id: runId }),
    ...(facts as FactsOf<'component' | 'event'>),
  };
}
