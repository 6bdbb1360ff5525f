import { ExitCode, type FailureType } from '@penstock/protocol';

/** What decides the exit code of a command. */
export interface Outcome {
  /** The exit code of the error that ended it, or of the `connection_status: failed` that was passed on. */
  readonly failedExitCode?: number;
  /** Asked to stop, by a signal or because nobody reads the output any more. */
  readonly stopped: boolean;
  /** Failure types of the streams that ended with `error`. */
  readonly streamFailures: readonly FailureType[];
  /** Streams that have not ended, because the input did before them. */
  readonly unfinishedStreams: number;
}

/** The exit code of a failure: only a person can help where it is `config`, else trying again may. */
export function exitCodeOfFailure(failureType: FailureType | undefined): number {
  return failureType === 'config' ? ExitCode.config : ExitCode.retry;
}

/** The most telling exit code: a failed run, a stop, a failed stream, work left over, done. Pure. */
export function exitCodeOf(outcome: Outcome): number {
  if (outcome.failedExitCode !== undefined) return outcome.failedExitCode;
  if (outcome.stopped) return ExitCode.stopped;
  if (outcome.streamFailures.includes('config')) return ExitCode.config;
  if (outcome.streamFailures.length > 0) return ExitCode.retry;
  return outcome.unfinishedStreams > 0 ? ExitCode.stopped : ExitCode.done;
}
