import { isDeepStrictEqual } from 'node:util';
import type {
  ConnectionStatusPayload,
  EngineMessage,
  EofPayload,
  LogPayload,
  StreamProgress,
} from '@penstock/protocol';
import { isShown } from './log-line.ts';
import { emptyRunView, type RunView, reduceRunView } from './run-view.ts';

/** How often a log says how far the run is while nothing else changes, in milliseconds. */
const PROGRESS_EVERY_MS = 5_000;

/** What a log of a run remembers. Immutable. */
export interface LoggedRun {
  readonly view: RunView;
  /** When progress was said last, in milliseconds since 1970. */
  readonly progressAt: number;
}

/** Before the first message. */
export const initialLoggedRun: LoggedRun = { view: emptyRunView, progressAt: Number.NEGATIVE_INFINITY };

/** Something that belongs into a log, in whichever format. */
export type Change =
  | { readonly kind: 'log'; readonly log: LogPayload; readonly by: string | undefined }
  | { readonly kind: 'begun'; readonly streamCount: number }
  | { readonly kind: 'failed'; readonly status: ConnectionStatusPayload; readonly by: string | undefined }
  | { readonly kind: 'stream'; readonly name: string; readonly stream: StreamProgress }
  | { readonly kind: 'progress' }
  | { readonly kind: 'ended'; readonly eof: EofPayload };

/**
 * What a message adds to a log: changes of streams, logs, how far the run is every few seconds, and its end. Pure.
 *
 * @param at when the message came, in milliseconds since 1970
 * @param least the least level of logs that count
 */
export function changesBy(
  before: LoggedRun,
  message: EngineMessage,
  at: number,
  least: LogPayload['level'],
): { readonly run: LoggedRun; readonly changes: readonly Change[] } {
  const view = reduceRunView(before.view, message, at);
  const run = { ...before, view };
  switch (message.type) {
    case 'log': {
      const isWanted = isShown(message.log.level, least);
      return { run, changes: isWanted ? [{ kind: 'log', log: message.log, by: message._emitted_by }] : [] };
    }
    case 'catalog':
      return { run, changes: [{ kind: 'begun', streamCount: message.catalog.streams.length }] };
    case 'connection_status': {
      const { connection_status: status, _emitted_by: by } = message;
      return { run, changes: status.status === 'failed' ? [{ kind: 'failed', status, by }] : [] };
    }
    case 'progress': {
      const changes = changedStreams(before.view, view);
      // The first one comes before anything has happened.
      const since = Number.isFinite(before.progressAt) ? before.progressAt : at;
      // One that is the same again only says that the run goes on.
      if (at - since < PROGRESS_EVERY_MS || !hasMoved(before.view, view))
        return { run: { ...run, progressAt: since }, changes };
      return { run: { ...run, progressAt: at }, changes: [...changes, { kind: 'progress' }] };
    }
    case 'eof':
      return { run, changes: [...changedStreams(before.view, view), { kind: 'ended', eof: message.eof }] };
    default:
      return { run, changes: [] };
  }
}

function hasMoved({ progress: before }: RunView, { progress: after }: RunView): boolean {
  const isSame = before?.global_state_count === after?.global_state_count;
  return !isSame || !isDeepStrictEqual(before?.streams, after?.streams);
}

function changedStreams(before: RunView, after: RunView): Change[] {
  const changes: Change[] = [];
  for (const [name, stream] of Object.entries(after.progress?.streams ?? {})) {
    const known = before.progress?.streams[name];
    // Without an earlier progress this is the beginning: what ended in calls before is no news.
    if (before.progress === undefined || known?.status === stream.status) continue;
    // It is tried again: what is news is that it starts.
    if (stream.status === 'not_started') continue;
    changes.push({ kind: 'stream', name, stream });
  }
  return changes;
}
