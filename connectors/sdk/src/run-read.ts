import { type ConfiguredCatalog, message, type SourceStateSet } from '@penstock/protocol';
import type { MessageOutput } from './message-output.ts';
import { exitCodeOf, exitCodeOfFailure } from './outcome.ts';
import type { ProgramLog } from './program-log.ts';
import type { SecretScrubber } from './secret-scrubber.ts';
import type { ReadContext, Source } from './source.ts';
import { encodeChecked, SourceWriter } from './source-output.ts';
import type { StopControl } from './stop-control.ts';
import { StreamEnds } from './stream-ends.ts';

/** One `read`: what the source is given, and where its messages go. */
export interface ReadRun {
  readonly config: ReadContext<never>['config'];
  readonly catalog: ConfiguredCatalog;
  readonly state: SourceStateSet;
  readonly input: AsyncIterable<unknown> | undefined;
  readonly output: MessageOutput;
  readonly log: ProgramLog;
  readonly scrubber: SecretScrubber;
  readonly stop: StopControl;
}

/** Runs `read` until the source ends, fails, or is asked to stop. @returns the exit code */
export async function runRead(source: Source, run: ReadRun): Promise<number> {
  const { output, log, stop } = run;
  const ends = new StreamEnds(run.catalog);
  const isStopped = (): boolean => stop.signal.aborted;
  const writer = new SourceWriter({ output, log, scrubber: run.scrubber, ends, isStopped });
  const { config, catalog, state, input } = run;
  try {
    for await (const item of source.read({ config, catalog, state, input, log, signal: stop.signal })) {
      if (isStopped()) break;
      await writer.write(item);
      // Leaving the loop lets the generator release what it holds (`finally`).
      if (isStopped() || writer.failure !== undefined) break;
    }
  } catch (error) {
    // Whoever is stopped may well end with an error, of an aborted request for example.
    if (!isStopped()) throw error;
    log.debug(`The source ended with an error after it was asked to stop: ${String(error)}`);
  }
  if (writer.failure === undefined && !isStopped()) endOpenStreams(ends, output);
  return exitCodeOf({
    ...(writer.failure === undefined ? {} : { failedExitCode: exitCodeOfFailure(writer.failure) }),
    stopped: isStopped(),
    streamFailures: ends.failures,
    unfinishedStreams: 0,
  });
}

/** Every stream of the catalog ends with a terminal status, also when the connector forgot one. */
export function endOpenStreams(ends: StreamEnds, output: MessageOutput, streams: readonly string[] = ends.open): void {
  for (const stream of streams) {
    const error = `The connector ended without saying how stream "${stream}" went.`;
    const status = { stream, status: 'error', error, failure_type: 'system' } as const;
    if (ends.admit(status)) output.writeLine(encodeChecked(message.streamStatus(status)));
  }
}
