import {
  type CodedError,
  type EofPayload,
  ExitCode,
  type ProgressPayload,
  type RunStatus,
  type StreamProgress,
} from '@penstock/protocol';
import { endError, showStderr } from '../launch/ask-connector.ts';
import type { ConnectorEnd } from '../launch/connector-end.ts';
import type { RunningConnector } from '../launch/launcher.ts';
import type { RelayEnd } from './relay.ts';

/** Why a run was asked to stop. */
export type StopReason = 'time_limit' | 'record_limit' | 'aborted';

function hasEnded({ status }: StreamProgress): boolean {
  return status !== 'not_started' && status !== 'started';
}

/** The streams that have not ended, of those that this run moves. */
export function unfinishedStreams(progress: ProgressPayload, names: Iterable<string>): string[] {
  return [...names].filter((name) => progress.streams[name] === undefined || !hasEnded(progress.streams[name]));
}

/** Exit codes by which a connector says that streams failed: they were reported in the streams' statuses. */
const streamFailureCodes: readonly number[] = [ExitCode.config, ExitCode.retry];

function endedWell(end: ConnectorEnd, someStreamFailed: boolean): boolean {
  // Whether it said all that it had to is known from the streams alone.
  if (end.kind === 'closed') return true;
  if (end.kind !== 'exited') return false;
  return end.code === 0 || (someStreamFailed && streamFailureCodes.includes(end.code));
}

/** What both ends of the run, and where the streams stand, come to. */
export interface Ending {
  /** What ended the run as a whole. */
  readonly error: CodedError | undefined;
  /** The source was cut off before it ended by itself. */
  readonly hasMore: boolean;
  /** Streams that should have ended and did not: nobody said how. */
  readonly lost: readonly string[];
}

/** Judges the end of a run. Pure but for the connectors' stderr, which goes into the messages. */
export function judgeEnding(
  end: RelayEnd,
  source: RunningConnector,
  destination: RunningConnector,
  progress: ProgressPayload,
  names: Iterable<string>,
): Ending {
  const unfinished = unfinishedStreams(progress, names);
  const { sourceEnd, destinationEnd } = end;
  // It was told to stop by somebody else and says so.
  const stoppedByItself = sourceEnd.kind === 'exited' && sourceEnd.code === ExitCode.stopped;
  const cutOff = end.sourceCutOff || stoppedByItself;
  const hasMore = cutOff && unfinished.length > 0;
  if (end.error !== undefined || end.killed) return { error: end.error, hasMore, lost: [] };
  const someStreamFailed = Object.values(progress.streams).some(({ status }) => status === 'errored');
  if (!cutOff && !endedWell(sourceEnd, someStreamFailed))
    return { error: endError(source, sourceEnd), hasMore, lost: [] };
  const finishedEarly = destinationEnd.kind === 'exited' && destinationEnd.code === ExitCode.stopped && cutOff;
  if (!finishedEarly && !endedWell(destinationEnd, someStreamFailed)) {
    return { error: endError(destination, destinationEnd), hasMore, lost: [] };
  }
  if (destinationEnd.kind === 'closed' && !cutOff && unfinished.length > 0) {
    return { error: endError(destination, destinationEnd), hasMore, lost: [] };
  }
  return { error: undefined, hasMore, lost: cutOff ? [] : unfinished };
}

/** What a stream that was lost repeats of the source's stderr, in characters: there can be many of them in a state (P4). */
const LOST_STDERR_LENGTH_MAX = 2_000;

/** The error of a stream that was lost. What the source wrote on stderr may be why: some give up and exit with 0. */
export function describeLost(source: RunningConnector, destination: RunningConnector): string {
  // Half a character would be no valid JSON in a database.
  const tail = source.stderrTail().trimEnd().slice(-LOST_STDERR_LENGTH_MAX).toWellFormed();
  const lastWords = showStderr(tail, `The last words of ${source.name}`);
  return `Neither ${source.name} nor ${destination.name} said how this stream ended.${lastWords}`;
}

/** The exit code of a run. A stop comes before failed streams: they are in the state, and there is more to do. */
export function exitCodeOfRun(error: CodedError | undefined, hasMore: boolean, progress: ProgressPayload): number {
  if (error !== undefined) return error.exitCode;
  if (hasMore) return ExitCode.stopped;
  const failed = Object.values(progress.streams).filter(({ status }) => status === 'errored');
  if (failed.some(({ failure_type }) => failure_type === 'config')) return ExitCode.config;
  return failed.length > 0 ? ExitCode.retry : ExitCode.done;
}

/** What `eof` says of it. */
export function eofReason(
  error: CodedError | undefined,
  hasMore: boolean,
  stopReason: StopReason | undefined,
  status: RunStatus,
): NonNullable<EofPayload['reason']> {
  if (error !== undefined) return error.code === 'stopped' ? (stopReason ?? 'aborted') : 'error';
  if (hasMore) return stopReason ?? 'aborted';
  return status === 'failed' ? 'error' : 'complete';
}
