import type { EofPayload, ProgressPayload } from '@penstock/protocol';
import type { Line, Segment } from './paint.ts';
import { reasonLines } from './summary-reasons.ts';
import { CHANGE_COLUMNS, summaryTable } from './summary-table.ts';
import { formatCount, formatDuration, formatRate, oneLine, plural, wrap } from './text.ts';

/**
 * The end of a run as lines that stay on the screen: a table of streams with what was done and through when each is
 * complete, each skip with its reason and each failure with what to do, then the outcome. Pure.
 *
 * @param width characters a line; Infinity where lines are never broken
 */
export function summaryLines(eof: EofPayload, pipeline: string, width: number): Line[] {
  const streams = Object.entries(eof.run_progress.streams);
  const table = summaryTable(streams, width);
  return [
    ...table,
    ...reasonLines(streams, width),
    ...(table.length === 0 ? [] : [[]]),
    // Last, so that it is on the screen however many streams there are.
    ...outcomeLines(eof, oneLine(pipeline), width),
  ];
}

function outcomeLines(eof: EofPayload, pipeline: string, width: number): Line[] {
  const [said, style] = outcome(eof, pipeline);
  const lines: Line[] = wrap(said, width).map((line): Line => [[line, style]]);
  const failure = eof.run_progress.connection_status ?? eof.request_progress.connection_status;
  if (failure !== undefined) {
    const said = oneLine(failure.message ?? 'The connection failed.');
    // Most messages say already what to do.
    const why = failure.failure_type === 'transient' && !/\bagain\b/.test(said) ? `${said} Run again later.` : said;
    lines.push(...wrap(why, width - 2).map((line): Line => [[`  ${line}`, 'red']]));
  }
  const { request_progress: call, run_progress: run } = eof;
  const seconds = call.elapsed_ms / 1000;
  // A continuation starts with the counts of the calls before it.
  const before = totalRecords(run) - totalRecords(call);
  const rate = seconds === 0 ? '' : formatRate(totalRecords(call) / seconds);
  const total = `${plural(totalRecords(call), 'record')} in ${formatDuration(call.elapsed_ms)}`;
  const whole = before > 0 ? `; ${formatCount(totalRecords(run))} in the whole run` : '';
  const text = total + (rate === '' ? '' : `, ${rate}`) + changes(call) + whole;
  lines.push(...wrap(text, width - 2).map((line): Line => [[`  ${line}`, 'plain']]));
  return lines;
}

/** How it ended, in a few words, for example `ended, 1 of 36 streams failed`. */
export function outcomeText(eof: EofPayload): string {
  // Without the sign and the name of the pipeline.
  return outcome(eof, '')[0].replace(/^. : /, '');
}

function outcome(eof: EofPayload, pipeline: string): Segment {
  const streams = Object.values(eof.run_progress.streams);
  const errored = streams.filter(({ status }) => status === 'errored').length;
  const failed = errored === 0 ? '' : `, ${formatCount(errored)} of ${plural(streams.length, 'stream')} failed`;
  // A stream's failure alone makes the run an error too, but not one that ended the others.
  if (eof.run_progress.connection_status !== undefined || (eof.reason === 'error' && errored === 0)) {
    return [`✗ ${pipeline}: failed`, 'red'];
  }
  if (eof.has_more) {
    const why: Record<string, string> = {
      time_limit: 'stopped at the time limit',
      record_limit: 'stopped at the record limit',
      aborted: 'stopped on request',
    };
    return [`◌ ${pipeline}: ${why[eof.reason ?? ''] ?? 'stopped early'}${failed}. Run again to go on.`, 'yellow'];
  }
  if (errored > 0) return [`✗ ${pipeline}: ended${failed}`, 'red'];
  return eof.status === 'succeeded' ? [`✓ ${pipeline}: complete`, 'green'] : [`◌ ${pipeline}: ended`, 'yellow'];
}

/** `: 5 created, 2 updated`: what the destination says that it did; nothing when it doesn't say. */
function changes(progress: ProgressPayload): string {
  const streams = Object.values(progress.streams);
  const counts = CHANGE_COLUMNS.map(([title, key]) => {
    const count = streams.reduce((sum, stream) => sum + (stream[key] ?? 0), 0);
    return count === 0 ? '' : `${formatCount(count)} ${title}`;
  });
  const said = counts.filter((count) => count !== '');
  return said.length === 0 ? '' : `: ${said.join(', ')}`;
}

function totalRecords(progress: ProgressPayload): number {
  return Object.values(progress.streams).reduce((sum, stream) => sum + stream.record_count, 0);
}
