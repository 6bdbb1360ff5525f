import type { ProgressPayload, StreamProgress } from '@penstock/protocol';
import type { Line, Segment } from './paint.ts';
import { type RunView, recentRates } from './run-view.ts';
import { columnsFor, statusLook, streamLine } from './stream-table.ts';
import { clip, formatCount, formatDuration, formatRate, listNames, oneLine, plural, wrap } from './text.ts';

/** What a frame is drawn for. */
export interface FrameOptions {
  readonly pipeline: string;
  readonly runId?: string | undefined;
  /** Characters a line. */
  readonly width: number;
  /** Lines at most. */
  readonly height: number;
  /** How long this call has been running, in milliseconds. */
  readonly elapsedMs: number;
  /** The clock of the view's samples, in milliseconds. */
  readonly now: number;
  /** Counts frames, for what moves. */
  readonly frame: number;
}

type Status = StreamProgress['status'];
type Named = readonly [name: string, stream: StreamProgress];

/**
 * Groups that become one line when there are more streams than lines, the least telling first. Failed streams have no
 * line then: they are named below the table.
 */
const COLLAPSIBLE: readonly Status[] = ['not_started', 'completed', 'skipped', 'errored'];

const groupNames: Record<Status, string> = {
  not_started: 'not started',
  started: 'running',
  completed: 'completed',
  skipped: 'skipped',
  errored: 'failed',
};

/**
 * The live display as at most `height` lines of at most `width` characters. Streams keep the order of the catalog; groups
 * of which there is no room to show each stream become one line with their number. Pure.
 */
export function liveFrame(view: RunView, options: FrameOptions): Line[] {
  const { progress } = view;
  const rates = recentRates(view, options.now);
  const header = headerLines(progress, rates.total, options);
  if (progress === undefined) return header.slice(0, options.height);
  const streams = Object.entries(progress.streams);
  const failed = streams.filter(([, stream]) => stream.status === 'errored');
  const room = options.height - header.length;
  const reasons = reasonLines(failed, options.width, Math.max(0, Math.floor(room / 3)));
  const table = fitStreams(streams, room - reasons.length, options.width);
  const columns = columnsFor(
    streams.map(([name]) => name),
    options.width,
  );
  return [
    ...header,
    ...table.shown.map(([name, stream]) => streamLine(name, stream, rates.of(name), columns, options.frame)),
    ...table.collapsed,
    ...reasons,
  ].slice(0, options.height);
}

function headerLines(progress: ProgressPayload | undefined, rate: number, options: FrameOptions): Line[] {
  const { pipeline, runId, width, elapsedMs } = options;
  const run = runId === undefined || width < 60 ? '' : `run ${clip(runId, 36)}  `;
  const end = `${run}${formatDuration(elapsedMs)}`;
  const name = clip(oneLine(pipeline), Math.max(0, width - end.length - 2));
  const title: Line = [
    [name, 'bold'],
    [' '.repeat(Math.max(1, width - name.length - end.length)), 'plain'],
    [end, 'dim'],
  ];
  if (progress === undefined) return [title, [['Starting …', 'dim']], []];
  const streams = Object.values(progress.streams);
  const records = streams.reduce((sum, stream) => sum + stream.record_count, 0);
  const states = streams.reduce((sum, stream) => sum + stream.state_count, progress.global_state_count);
  const ended = streams.filter(({ status }) => status !== 'not_started' && status !== 'started').length;
  const facts = [
    plural(records, 'record'),
    formatRate(rate),
    plural(states, 'checkpoint'),
    `${formatCount(ended)} of ${plural(streams.length, 'stream')} done`,
  ];
  const failure = progress.connection_status;
  const line: Line =
    failure === undefined
      ? [[clip(facts.filter((fact) => fact !== '').join(' · '), width), 'plain']]
      : [[clip(`Failed: ${oneLine(failure.message ?? 'the connection failed')}`, width), 'red']];
  return [title, line, []];
}

/** What went wrong, below the table: each failed stream with as much of its message as there is room for. */
function reasonLines(failed: readonly Named[], width: number, room: number): Line[] {
  if (failed.length === 0 || room < 2) return [];
  // One line stays empty, one is for those that don't fit.
  const each = failed.length * 2 < room ? 2 : 1;
  const lines: Line[] = [[]];
  let shown = 0;
  for (const [name, stream] of failed) {
    if (lines.length + each > room - (shown < failed.length - 1 ? 1 : 0)) break;
    const text = `✗ ${oneLine(name)}: ${oneLine(stream.message ?? 'failed')}`;
    lines.push(...wrap(text, width, each).map((line): Line => [[line, 'red']]));
    shown += 1;
  }
  const rest = failed.slice(shown).map(([name]) => oneLine(name));
  if (rest.length > 0) lines.push(groupLine('errored', rest, width, shown > 0 ? 'more failed' : 'failed'));
  return lines;
}

function groupLine(status: Status, names: readonly string[], width: number, label = groupNames[status]): Line {
  const { icon, style } = statusLook[status];
  const head = `${icon} ${formatCount(names.length)} ${label}`;
  const listed = listNames(names.map(oneLine), width - head.length - 2);
  const tail: Segment[] = listed === '' ? [] : [[`  ${listed}`, 'dim']];
  return [[clip(head, width), style], ...tail];
}

/** Which streams get a line of their own, and the lines of those that don't. */
function fitStreams(streams: readonly Named[], room: number, width: number): { shown: Named[]; collapsed: Line[] } {
  const collapsed = new Set<Status>();
  const fit = () => {
    const shown = streams.filter(([, stream]) => !collapsed.has(stream.status));
    const groups = COLLAPSIBLE.filter((status) => collapsed.has(status) && status !== 'errored').reverse();
    return { shown, collapsed: groups.map((status) => groupLine(status, namesOf(streams, status), width)) };
  };
  let table = fit();
  for (const status of COLLAPSIBLE) {
    if (table.shown.length + table.collapsed.length <= room) return table;
    // A group of one takes a line either way.
    if (namesOf(streams, status).length > (status === 'errored' ? 0 : 1)) collapsed.add(status);
    table = fit();
  }
  if (table.shown.length + table.collapsed.length <= room) return table;
  const kept = Math.max(0, room - table.collapsed.length - 1);
  const hidden = table.shown.slice(kept).map(([name]) => name);
  return {
    shown: table.shown.slice(0, kept),
    collapsed: [groupLine('started', hidden, width, 'more running'), ...table.collapsed],
  };
}

function namesOf(streams: readonly Named[], status: Status): string[] {
  return streams.filter(([, stream]) => stream.status === status).map(([name]) => name);
}
