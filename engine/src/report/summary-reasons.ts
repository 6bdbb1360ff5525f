import type { StreamProgress } from '@penstock/protocol';
import type { Line } from './paint.ts';
import type { Named } from './summary-table.ts';
import { formatCount, listNames, oneLine, plural, wrap } from './text.ts';

/** What the reader of a failed stream can do, by who can help. */
const advice: Record<NonNullable<StreamProgress['failure_type']>, string> = {
  config: 'Mend this first; it is tried again in the next run.',
  transient: 'Run again: it goes on from where it was.',
  system: 'Run again; if it stays, report it to whoever maintains the connector.',
};

/** So many reasons on a terminal, of each kind; the streams of the others are only named. */
const REASONS_MAX = 8;

interface Reason {
  readonly names: string[];
  /** Of the first of them. */
  readonly text: string;
  readonly todo?: string;
}

/**
 * Skips with their reason, then failures with what to do. Streams with the same reason stand together, also where it names
 * the stream or its path: one missing product or right often hides a dozen streams. Pure.
 *
 * @param width characters a line; Infinity where lines are never broken and nothing is left out
 */
export function reasonLines(streams: readonly Named[], width: number): Line[] {
  const skipped = reasonsOf(streams.filter(([, { status }]) => status === 'skipped'));
  const failed = reasonsOf(streams.filter(([, { status }]) => status === 'errored'));
  return [...blocks(skipped, '– skipped: ', 'yellow', width), ...blocks(failed, '✗ ', 'red', width)];
}

function reasonsOf(streams: readonly Named[]): Reason[] {
  const reasons = new Map<string, Reason>();
  for (const [name, { status, message, failure_type = 'system' }] of streams) {
    const text = oneLine(message ?? 'no reason was given');
    const todo = status === 'errored' ? advice[failure_type] : undefined;
    const key = `${todo ?? ''} ${withoutNames(text, name)}`;
    const known = reasons.get(key);
    if (known === undefined)
      reasons.set(key, { names: [oneLine(name)], text, ...(todo === undefined ? {} : { todo }) });
    else known.names.push(oneLine(name));
  }
  return [...reasons.values()];
}

/** A reason without what differs from stream to stream: its name, paths, and words in single quotes. */
function withoutNames(text: string, name: string): string {
  return text
    .replaceAll(name, '…')
    .replace(/'[^'\s]*'/g, '…')
    .replace(/(?<![\w:/])\/[\w/.-]*\w/g, '…');
}

function blocks(reasons: readonly Reason[], mark: string, style: 'red' | 'yellow', width: number): Line[] {
  const isTerminal = Number.isFinite(width);
  const shown = isTerminal ? reasons.slice(0, REASONS_MAX) : reasons;
  const rest = reasons.slice(shown.length).flatMap(({ names }) => names);
  const listed = (names: readonly string[], room: number) =>
    isTerminal ? listNames(names, room) || plural(names.length, 'stream') : names.join(', ');
  const lines = shown.flatMap(({ names, text, todo }): Line[] => {
    const count = names.length === 1 ? '' : `${plural(names.length, 'stream')}: `;
    const example = names.length === 1 ? text : `${names[0]}: ${text}`;
    return [
      [],
      [[`${mark}${count}${listed(names, width - mark.length - count.length)}`, style]],
      ...wrap(example, width - 4).map((line): Line => [[`    ${line}`, 'plain']]),
      ...(todo === undefined ? [] : wrap(todo, width - 4).map((line): Line => [[`    ${line}`, 'dim']])),
    ];
  });
  if (rest.length === 0) return lines;
  const head = `${mark}${formatCount(rest.length)} more, for other reasons: `;
  return [...lines, [], [[`${head}${listed(rest, width - head.length)}`, style]]];
}
