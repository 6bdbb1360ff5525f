import type { CodedError, ProgressPayload, StreamProgress } from '@penstock/protocol';

/** How many calls are kept of each pipeline; older ones are forgotten. */
export const RUNS_KEPT_MAX = 1000;

/** What a call came to. `interrupted`: it never said how it ended, and the next one has begun. */
export type RunOutcome = 'running' | 'done' | 'stopped' | 'failed' | 'interrupted';

/** What a call did, all streams added up. */
export interface RunCounts {
  /** Committed in the destination. */
  readonly records: number;
  /** Rows. */
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  /** Records that changed nothing. */
  readonly skipped: number;
  /** Of the lines of the records that were passed on, committed or not; absent where an older engine has counted. */
  readonly bytes?: number | undefined;
}

/** How a call ended. */
export interface RunEnd {
  readonly outcome: Exclude<RunOutcome, 'running' | 'interrupted'>;
  /** What went wrong, in words; holds no secret. */
  readonly error?: string | undefined;
  readonly counts: RunCounts;
}

/** One call of `penstock sync`. */
export interface RunRecord {
  readonly pipeline: string;
  /** The same for all calls that belong to one run. */
  readonly run_id: string;
  /** ISO 8601 in UTC, as all times here. */
  readonly started_at: string;
  /** Absent while it goes on. */
  readonly ended_at?: string;
  readonly outcome: RunOutcome;
  readonly error?: string;
  /** Absent where it never said. */
  readonly counts?: RunCounts;
  readonly engine_version: string;
}

/** Longest text that is kept of what went wrong, in characters. */
const ERROR_LENGTH_MAX = 2000;

/**
 * How a call ended. Pure.
 *
 * @param error what ended it as a whole; holds no secret
 * @param hasMore whether it was stopped before all was done
 * @param progress of this call, and of those of which it is the continuation for whoever asked
 * @param before of those calls alone
 * @param bytes passed on by this call
 */
export function runEndOf(
  error: CodedError | undefined,
  hasMore: boolean,
  { streams }: ProgressPayload,
  before?: ProgressPayload,
  bytes = 0,
): RunEnd {
  const all = Object.entries(streams);
  const allBefore = Object.entries(before?.streams ?? {});
  const failed = all.filter(([, { status }]) => status === 'errored');
  const sumOf = (some: typeof all, count: (stream: StreamProgress) => number | undefined): number =>
    some.reduce((total, [, stream]) => total + (count(stream) ?? 0), 0);
  const sum = (count: (stream: StreamProgress) => number | undefined): number =>
    sumOf(all, count) - sumOf(allBefore, count);
  const isFailed = (error !== undefined && error.code !== 'stopped') || failed.length > 0;
  const said =
    error !== undefined && error.code !== 'stopped'
      ? error.message
      : failed.map(([name, { message }]) => `${name}: ${message ?? 'failed'}`).join('\n');
  return {
    outcome: isFailed ? 'failed' : hasMore ? 'stopped' : 'done',
    ...(said === '' ? {} : { error: said.slice(0, ERROR_LENGTH_MAX) }),
    counts: {
      records: sum((stream) => stream.record_count),
      created: sum((stream) => stream.created_count),
      updated: sum((stream) => stream.updated_count),
      deleted: sum((stream) => stream.deleted_count),
      skipped: sum((stream) => stream.skipped_count),
      bytes,
    },
  };
}
