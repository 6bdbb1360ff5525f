import type { EofPayload, ProgressPayload, StreamProgress } from '@penstock/protocol';
import type { Line, Segment, Style } from './paint.ts';
import { statusLook } from './stream-table.ts';
import {
  formatCount,
  formatDuration,
  formatInstant,
  formatRate,
  left,
  listNames,
  oneLine,
  plural,
  right,
  wrap,
} from './text.ts';

type Named = readonly [name: string, stream: StreamProgress];

type CountColumn = readonly [
  title: string,
  key: 'record_count' | 'created_count' | 'updated_count' | 'deleted_count' | 'skipped_count',
];

const COUNT_COLUMNS: readonly CountColumn[] = [
  ['records', 'record_count'],
  ['created', 'created_count'],
  ['updated', 'updated_count'],
  ['deleted', 'deleted_count'],
  ['unchanged', 'skipped_count'],
];

/** What the reader of a failed stream can do, by who can help. */
const advice: Record<NonNullable<StreamProgress['failure_type']>, string> = {
  config: 'Mend this first; it is tried again in the next run.',
  transient: 'Run again: it goes on from where it was.',
  system: 'Run again; if it stays, report it to whoever maintains the connector.',
};

/**
 * The end of a run as lines that stay on the screen: a table of streams with what was done and through when each is
 * complete, each skip with its reason and each failure with what to do, then the outcome. Pure.
 *
 * @param width characters a line; Infinity where lines are never broken
 */
export function summaryLines(eof: EofPayload, pipeline: string, width: number): Line[] {
  const streams = Object.entries(eof.run_progress.streams);
  const begun = streams.filter(([, stream]) => stream.status !== 'not_started');
  const table = [...tableLines(begun, width), ...notStartedLine(streams.length - begun.length, begun.length)];
  return [
    ...table,
    ...skipLines(streams, width),
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

function outcome(eof: EofPayload, pipeline: string): Segment {
  const streams = Object.values(eof.run_progress.streams);
  const errored = streams.filter(({ status }) => status === 'errored').length;
  const failed = errored === 0 ? '' : `, ${formatCount(errored)} of ${plural(streams.length, 'stream')} failed`;
  if (eof.run_progress.connection_status !== undefined || eof.reason === 'error') {
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
  const counts = COUNT_COLUMNS.slice(1).map(([title, key]) => {
    const count = streams.reduce((sum, stream) => sum + (stream[key] ?? 0), 0);
    return count === 0 ? '' : `${formatCount(count)} ${title}`;
  });
  const said = counts.filter((count) => count !== '');
  return said.length === 0 ? '' : `: ${said.join(', ')}`;
}

function totalRecords(progress: ProgressPayload): number {
  return Object.values(progress.streams).reduce((sum, stream) => sum + stream.record_count, 0);
}

/** Streams that were never begun have nothing to say; when that is all of them, the outcome says why. */
function notStartedLine(count: number, others: number): Line[] {
  if (count === 0 || others === 0) return [];
  const { icon, style } = statusLook.not_started;
  return [[[`${icon} ${plural(count, 'stream')} not started`, style]]];
}

/** Room for `2026-01-31 12:00:00Z` and its distance from the counts. */
const THROUGH_WIDTH = 22;

function tableLines(streams: readonly Named[], width: number): Line[] {
  if (streams.length === 0) return [];
  const nameWidth = streams.reduce((most, [name]) => Math.max(most, name.length), 6);
  const widthOf = ([title, key]: CountColumn) =>
    streams.reduce((most, [, stream]) => Math.max(most, formatCount(stream[key] ?? 0).length), title.length) + 2;
  const withCounts = 2 + nameWidth + COUNT_COLUMNS.reduce((sum, column) => sum + widthOf(column), 0) + THROUGH_WIDTH;
  const showsCounts = withCounts <= width && streams.some(([, stream]) => stream.created_count !== undefined);
  const columns = showsCounts ? COUNT_COLUMNS : COUNT_COLUMNS.slice(0, 1);
  const rest = columns.reduce((sum, column) => sum + widthOf(column), 2 + THROUGH_WIDTH);
  const fits = Math.min(nameWidth, Math.max(6, width - rest));
  const head: Line = [
    [`  ${left('stream', fits)}${columns.map((column) => right(column[0], widthOf(column))).join('')}`, 'dim'],
    ['  complete through', 'dim'],
  ];
  const rows = streams.map(([name, stream]): Line => {
    const { icon, style } = statusLook[stream.status];
    const counts = columns.map((column) => {
      const count = stream[column[1]];
      return right(count === undefined ? '' : formatCount(count), widthOf(column));
    });
    const quiet = stream.status === 'not_started' || stream.status === 'skipped';
    return [
      [`${icon} `, style],
      [left(oneLine(name), fits), quiet ? 'dim' : 'plain'],
      [counts.join(''), quiet ? 'dim' : 'plain'],
      ['  ', 'plain'],
      throughCell(stream),
    ];
  });
  return [head, ...rows];
}

function throughCell(stream: StreamProgress): Segment {
  const known = stream.synced_through === undefined ? undefined : formatInstant(stream.synced_through);
  const style: Style = stream.status === 'completed' ? 'plain' : 'dim';
  switch (stream.status) {
    case 'completed':
      return [known ?? 'complete', style];
    case 'skipped':
      return ['skipped', style];
    case 'errored':
      return [known === undefined ? 'failed' : `${known}, then failed`, 'red'];
    case 'started':
      return [known === undefined ? 'not yet complete' : `${known}, not yet all`, style];
    case 'not_started':
      return ['not started', style];
  }
}

function reasonLines(streams: readonly Named[], width: number): Line[] {
  return streams
    .filter(([, stream]) => stream.status === 'errored')
    .flatMap(([name, stream]): Line[] => {
      const todo = advice[stream.failure_type ?? 'system'];
      const text = wrap(oneLine(stream.message ?? 'no reason was given'), width - 4);
      return [
        [],
        [[`✗ ${oneLine(name)}`, 'red']],
        ...text.map((line): Line => [[`    ${line}`, 'plain']]),
        [[`    ${todo}`, 'dim']],
      ];
    });
}

/** Skips, those with the same reason together: one missing product often hides a dozen streams. */
function skipLines(streams: readonly Named[], width: number): Line[] {
  const byReason = new Map<string, string[]>();
  for (const [name, stream] of streams) {
    if (stream.status !== 'skipped') continue;
    const reason = oneLine(stream.message ?? 'no reason was given');
    byReason.set(reason, [...(byReason.get(reason) ?? []), oneLine(name)]);
  }
  return [...byReason].flatMap(([reason, names]): Line[] => {
    const shown = Number.isFinite(width)
      ? listNames(names, width - 12) || plural(names.length, 'stream')
      : names.join(', ');
    return [
      [],
      [[`– skipped: ${shown}`, 'yellow']],
      ...wrap(reason, width - 4).map((line): Line => [[`    ${line}`, 'plain']]),
    ];
  });
}
