import type { EngineMessage, LogPayload, StreamProgress } from '@penstock/protocol';
import { type Change, changesBy, type LoggedRun } from './changes.ts';
import { logLine } from './log-line.ts';
import type { Line } from './paint.ts';
import { type RunView, recentRates } from './run-view.ts';
import { statusLook } from './stream-table.ts';
import { summaryLines } from './summary.ts';
import { formatCount, formatInstant, formatRate, oneLine, plural } from './text.ts';

/** What the plain output depends on besides the messages. */
export interface PlainOptions {
  readonly pipeline: string;
  /** Where it is known. */
  readonly runId?: string | undefined;
  readonly logLevel: LogPayload['level'];
}

/**
 * The lines that a message adds to a log for people: what {@link changesBy} finds, and the summary. Pure.
 *
 * @param at when the message came, in milliseconds since 1970
 */
export function plainLines(
  before: LoggedRun,
  message: EngineMessage,
  at: number,
  options: PlainOptions,
): { readonly run: LoggedRun; readonly lines: readonly Line[] } {
  const { run, changes } = changesBy(before, message, at, options.logLevel);
  const stamp = (line: Line): Line => [[`${formatInstant(new Date(at).toISOString())}  `, 'dim'], ...line];
  const lines = changes.flatMap((change) =>
    // A log is read with all kinds of tools: lines are as long as they are.
    change.kind === 'ended'
      ? summaryLines(change.eof, options.pipeline, Number.POSITIVE_INFINITY)
      : [stamp(lineOf(change, run.view, at, options))],
  );
  return { run, lines };
}

function lineOf(change: Exclude<Change, { kind: 'ended' }>, view: RunView, at: number, options: PlainOptions): Line {
  switch (change.kind) {
    case 'log':
      return logLine(change.log, change.by);
    case 'begun': {
      const run = options.runId === undefined ? '' : `, ${options.runId}`;
      return [[`${options.pipeline}: ${plural(change.streamCount, 'stream')}${run}`, 'bold']];
    }
    case 'failed':
      return [[`failed: ${oneLine(change.status.message ?? 'the connection failed')}`, 'red']];
    case 'stream':
      return [[`${oneLine(change.name)}: `, 'plain'], ...streamLine(change.stream)];
    case 'progress':
      return [[progressText(view, at), 'plain']];
  }
}

/** What became of a stream, without its name. */
export function streamLine(stream: StreamProgress): Line {
  const { style } = statusLook[stream.status];
  const records = plural(stream.record_count, 'record');
  const because = oneLine(stream.message ?? 'no reason was given');
  switch (stream.status) {
    case 'completed': {
      const through = stream.synced_through === undefined ? '' : `, through ${formatInstant(stream.synced_through)}`;
      return [
        ['completed', style],
        [`, ${records}${through}`, 'plain'],
      ];
    }
    case 'errored':
      return [
        ['failed', style],
        [` after ${records}: ${because}`, 'plain'],
      ];
    case 'skipped':
      return [
        ['skipped', style],
        [`: ${because}`, 'plain'],
      ];
    default:
      return [[stream.status === 'started' ? 'started' : 'not started', style]];
  }
}

/** How many streams of each kind there are, and what they have moved. */
export function progressText(view: RunView, at: number): string {
  const streams = Object.values(view.progress?.streams ?? {});
  const of = (status: StreamProgress['status']) => streams.filter((stream) => stream.status === status).length;
  const facts = [
    plural(
      streams.reduce((sum, stream) => sum + stream.record_count, 0),
      'record',
    ),
    formatRate(recentRates(view, at).total),
    `${formatCount(of('completed'))} completed`,
    `${formatCount(of('started'))} running`,
    `${formatCount(of('not_started'))} not started`,
    of('skipped') > 0 ? `${formatCount(of('skipped'))} skipped` : '',
    of('errored') > 0 ? `${formatCount(of('errored'))} failed` : '',
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}
