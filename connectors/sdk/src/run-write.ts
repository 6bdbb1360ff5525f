import type { Readable } from 'node:stream';
import { CodedError, type ConfiguredCatalog, type DestinationMessage } from '@penstock/protocol';
import type { Destination, WriteContext } from './destination.ts';
import { MessageInput } from './message-input.ts';
import type { MessageOutput } from './message-output.ts';
import { exitCodeOf, exitCodeOfFailure } from './outcome.ts';
import type { ProgramLog } from './program-log.ts';
import { endOpenStreams } from './run-read.ts';
import type { SecretScrubber } from './secret-scrubber.ts';
import { encodeChecked } from './source-output.ts';
import type { StopControl } from './stop-control.ts';
import { StreamEnds } from './stream-ends.ts';

/** One `write`: what the destination is given, and where its messages go. */
export interface WriteRun {
  readonly config: WriteContext<never>['config'];
  readonly catalog: ConfiguredCatalog;
  readonly stdin: Readable;
  readonly output: MessageOutput;
  readonly log: ProgramLog;
  readonly scrubber: SecretScrubber;
  readonly stop: StopControl;
}

/** Refuses a mode before anything is read. @throws CodedError `mode_unsupported` */
export function checkModes(destination: Destination, catalog: ConfiguredCatalog): void {
  for (const { stream, destination_sync_mode } of catalog.streams) {
    if (destination.syncModes.includes(destination_sync_mode)) continue;
    throw new CodedError('mode_unsupported', {
      message: `The catalog asks for ${destination_sync_mode} for stream "${stream.name}"; this destination can do ${destination.syncModes.join(', ')}.`,
    });
  }
}

/**
 * Runs `write` until the destination ends. A first request to stop ends the input, so that what was received is
 * committed; a second one aborts.
 *
 * @throws CodedError what was wrong with the input as a whole, after everything before it was dealt with
 * @returns the exit code
 */
export async function runWrite(destination: Destination, run: WriteRun): Promise<number> {
  const { config, catalog, output, log, scrubber, stop } = run;
  checkModes(destination, catalog);
  const ends = new StreamEnds(catalog);
  const input = new MessageInput(run.stdin, {
    catalog,
    log,
    passOn: (item) => output.writeLine(encodeChecked(scrubber.message(item))),
    whenReady: () => output.whenReady(),
  });
  stop.prepare({ softly: () => input.stop(), note: (text) => log.note(text) });
  let failedExitCode: number | undefined;
  const context = { config, catalog, input, log, signal: stop.signal, stopRequested: stop.requested };
  for await (const item of destination.write(context)) {
    if (stop.signal.aborted) break;
    if (!admits(ends, item, log)) continue;
    output.writeLine(encodeChecked(scrubber.message(item)));
    if (item.type === 'connection_status' && item.connection_status.status === 'failed') {
      failedExitCode = exitCodeOfFailure(item.connection_status.failure_type);
      break;
    }
    const ready = output.whenReady();
    if (ready !== undefined) await ready;
  }
  input.stop();
  if (input.failure !== undefined) throw input.failure;
  if (input.sourceFailure !== undefined) failedExitCode ??= exitCodeOfFailure(input.sourceFailure);
  if (failedExitCode === undefined && !stop.isStopping) {
    if (input.openStreams.length > 0) {
      log.warn(
        `The input ended before ${someNames(input.openStreams)} did. What was received is committed; run again to go on.`,
      );
    }
    const notYetEnded = new Set(input.openStreams);
    endOpenStreams(
      ends,
      output,
      ends.open.filter((stream) => !notYetEnded.has(stream)),
    );
  }
  return exitCodeOf({
    ...(failedExitCode === undefined ? {} : { failedExitCode }),
    stopped: stop.isStopping,
    streamFailures: [...ends.failures, ...Array.from({ length: input.unknownStreams }, () => 'system' as const)],
    unfinishedStreams: ends.open.length,
  });
}

function admits(ends: StreamEnds, item: DestinationMessage, log: ProgramLog): boolean {
  if (item.type !== 'stream_status' || ends.admit(item.stream_status)) return true;
  const { stream, status } = item.stream_status;
  log.warn(`The destination gave stream "${stream}" the status "${status}" after its end; it is dropped.`, { stream });
  return false;
}

/** The first of many names, and how many there are. */
function someNames(streams: readonly string[]): string {
  if (streams.length === 1) return `the stream ${streams[0]}`;
  const more = streams.length > 5 ? `, … (${streams.length})` : '';
  return `the streams ${streams.slice(0, 5).join(', ')}${more}`;
}
