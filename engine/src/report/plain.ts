import type { EngineMessage, LogPayload, StreamProgress } from '@penstock/protocol';
import { isShown, logLine } from './log-line.ts';
import type { Line } from './paint.ts';
import { emptyRunView, type RunView, recentRates, reduceRunView } from './run-view.ts';
import { statusLook } from './stream-table.ts';
import { summaryLines } from './summary.ts';
import { formatCount, formatInstant, formatRate, oneLine, plural } from './text.ts';

/** How often a line says how far the run is while nothing else changes, in milliseconds. */
const PROGRESS_LINE_MS = 5_000;

/** What the plain output remembers. Immutable. */
export interface PlainState {
  readonly view: RunView;
  /** When the last line about progress was written, in milliseconds since 1970. */
  readonly progressAt: number;
}

/** Before the first message. */
export const initialPlainState: PlainState = { view: emptyRunView, progressAt: Number.NEGATIVE_INFINITY };

/** What the plain output depends on besides the messages. */
export interface PlainOptions {
  readonly pipeline: string;
  readonly logLevel: LogPayload['level'];
}

/**
 * The lines that a message adds to a log: changes of streams, logs, a line on progress every few seconds, and the summary.
 * Pure.
 *
 * @param at when the message came, in milliseconds since 1970
 */
export function plainLines(
  state: PlainState,
  message: EngineMessage,
  at: number,
  options: PlainOptions,
): { readonly state: PlainState; readonly lines: readonly Line[] } {
  const view = reduceRunView(state.view, message, at);
  const next = { ...state, view };
  const stamp = (line: Line): Line => [[`${formatInstant(new Date(at).toISOString())}  `, 'dim'], ...line];
  switch (message.type) {
    case 'log':
      if (!isShown(message.log.level, options.logLevel)) return { state: next, lines: [] };
      return { state: next, lines: [stamp(logLine(message.log, message._emitted_by))] };
    case 'catalog':
      return {
        state: next,
        lines: [stamp([[`${options.pipeline}: ${plural(message.catalog.streams.length, 'stream')}`, 'bold']])],
      };
    case 'connection_status': {
      if (message.connection_status.status !== 'failed') return { state: next, lines: [] };
      const why = oneLine(message.connection_status.message ?? 'the connection failed');
      return { state: next, lines: [stamp([[`failed: ${why}`, 'red']])] };
    }
    case 'progress': {
      const lines = changedStreams(state.view, view).map(stamp);
      // The first one comes before anything has happened.
      const since = Number.isFinite(state.progressAt) ? state.progressAt : at;
      if (at - since < PROGRESS_LINE_MS) return { state: { ...next, progressAt: since }, lines };
      return { state: { ...next, progressAt: at }, lines: [...lines, stamp(progressLine(view, at))] };
    }
    case 'eof': {
      const changes = changedStreams(state.view, view).map(stamp);
      // A log is read with all kinds of tools: lines are as long as they are.
      return {
        state: next,
        lines: [...changes, ...summaryLines(message.eof, options.pipeline, Number.POSITIVE_INFINITY)],
      };
    }
    default:
      return { state: next, lines: [] };
  }
}

function changedStreams(before: RunView, after: RunView): Line[] {
  const lines: Line[] = [];
  for (const [name, stream] of Object.entries(after.progress?.streams ?? {})) {
    const known = before.progress?.streams[name];
    // Without an earlier progress this is the beginning: what ended in calls before is no news.
    if (before.progress === undefined || known?.status === stream.status) continue;
    lines.push(changeLine(name, stream));
  }
  return lines;
}

function changeLine(name: string, stream: StreamProgress): Line {
  const { style } = statusLook[stream.status];
  const head = `${oneLine(name)}: `;
  const records = plural(stream.record_count, 'record');
  const because = oneLine(stream.message ?? 'no reason was given');
  switch (stream.status) {
    case 'completed': {
      const through = stream.synced_through === undefined ? '' : `, through ${formatInstant(stream.synced_through)}`;
      return [
        [head, 'plain'],
        ['completed', style],
        [`, ${records}${through}`, 'plain'],
      ];
    }
    case 'errored':
      return [
        [head, 'plain'],
        ['failed', style],
        [` after ${records}: ${because}`, 'plain'],
      ];
    case 'skipped':
      return [
        [head, 'plain'],
        ['skipped', style],
        [`: ${because}`, 'plain'],
      ];
    default:
      return [
        [head, 'plain'],
        [stream.status === 'started' ? 'started' : 'not started', style],
      ];
  }
}

function progressLine(view: RunView, at: number): Line {
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
  return [[facts.filter((fact) => fact !== '').join(', '), 'plain']];
}
