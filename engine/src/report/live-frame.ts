import type { StreamProgress } from '@penstock/protocol';
import { clipLine, type Line, type Segment } from './paint.ts';
import { runState } from './run-state.ts';
import { type RunView, recentRates } from './run-view.ts';
import { columnsFor, statusLook, streamLine } from './stream-table.ts';
import { clip, formatCount, formatDuration, formatRate, listNames, oneLine, plural, wrap } from './text.ts';
import { formatTimeLeft, timeLeftMs } from './time-left.ts';

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
  /** What was said last, warnings and the like; the newest one last. */
  readonly notices?: readonly Line[];
}

/** So many notices at most. */
const NOTICES_MAX = 3;

/** A terminal of fewer lines has none to spare for notices. */
const NOTICES_HEIGHT_MIN = 10;

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
  const header = headerLines(view, rates.total, options);
  const notices = noticeLines(options);
  if (progress === undefined) return [...header, ...notices].slice(0, options.height);
  const streams = Object.entries(progress.streams);
  const failed = streams.filter(([, stream]) => stream.status === 'errored');
  const room = options.height - header.length - notices.length;
  const reasons = reasonLines(failed, options.width, Math.max(0, Math.floor(room / 3)));
  const isMoving = (name: string) => rates.of(name) > 0;
  const table = fitStreams(streams, isMoving, room - reasons.length, options.width);
  const columns = columnsFor(
    streams.map(([name]) => name),
    options.width,
  );
  return [
    ...header,
    ...table.shown.map(([name, stream]) =>
      clipLine(streamLine(name, stream, rates.of(name), columns, options.frame), options.width),
    ),
    ...table.collapsed,
    ...reasons,
    ...notices,
  ].slice(0, options.height);
}

function headerLines(view: RunView, rate: number, options: FrameOptions): Line[] {
  const { pipeline, runId, width, elapsedMs } = options;
  const run = runId === undefined || width < 60 ? '' : `run ${clip(runId, 36)}  `;
  const end = `${run}${formatDuration(elapsedMs)}`;
  const name = clip(oneLine(pipeline), Math.max(0, width - end.length - 2));
  const title: Line = [
    [name, 'bold'],
    [' '.repeat(Math.max(1, width - name.length - end.length)), 'plain'],
    [end, 'dim'],
  ];
  const failure = view.progress?.connection_status;
  if (failure !== undefined) {
    return [title, [[clip(`Failed: ${oneLine(failure.message ?? 'the connection failed')}`, width), 'red']], []];
  }
  const state = runState(view, rate > 0, options.now);
  const said = clip(state.text, width);
  return [title, [[said, state.style], ...factSegments(factsOf(view, rate), width - said.length)], []];
}

/** What the second line says after the state, what matters most first: a narrow terminal has room for only some of it. */
function factsOf(view: RunView, rate: number): string[] {
  if (view.progress === undefined) return [];
  const { global_state_count, streams: byName } = view.progress;
  const streams = Object.values(byName);
  const records = streams.reduce((sum, stream) => sum + stream.record_count, 0);
  const states = streams.reduce((sum, stream) => sum + stream.state_count, global_state_count);
  const ended = streams.filter(({ status }) => status !== 'not_started' && status !== 'started').length;
  const timeLeft = timeLeftMs(view);
  return [
    plural(records, 'record'),
    formatRate(rate),
    `${formatCount(ended)} of ${formatCount(streams.length)} done`,
    timeLeft === undefined ? '' : `about ${formatTimeLeft(timeLeft)} left`,
    plural(states, 'checkpoint'),
  ].filter((fact) => fact !== '');
}

function factSegments(facts: readonly string[], width: number): Segment[] {
  let text = '';
  for (const fact of facts) {
    if (text.length + fact.length + 3 > width) break;
    text += ` · ${fact}`;
  }
  return [[text, 'plain']];
}

function noticeLines({ notices = [], width, height }: FrameOptions): Line[] {
  if (notices.length === 0 || height < NOTICES_HEIGHT_MIN) return [];
  return [[], ...notices.slice(-NOTICES_MAX).map((line) => clipLine(line, width))];
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
function fitStreams(
  streams: readonly Named[],
  isMoving: (name: string) => boolean,
  room: number,
  width: number,
): { shown: Named[]; collapsed: Line[] } {
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
  const running = table.shown.filter(([, { status }]) => status === 'started');
  const others = table.shown.length - running.length;
  const kept = Math.max(0, room - table.collapsed.length - others - 1);
  // Many wait for something long before they end; the ones to look at are those that move.
  const byInterest = [...running].sort(([a], [b]) => Number(isMoving(b)) - Number(isMoving(a)));
  const hidden = new Set(byInterest.slice(kept).map(([name]) => name));
  return {
    shown: table.shown.filter(([name]) => !hidden.has(name)),
    collapsed: [
      groupLine(
        'started',
        namesOf(running, 'started').filter((name) => hidden.has(name)),
        width,
        'more running',
      ),
      ...table.collapsed,
    ],
  };
}

function namesOf(streams: readonly Named[], status: Status): string[] {
  return streams.filter(([, stream]) => stream.status === status).map(([name]) => name);
}
