import type { StreamProgress } from '@penstock/protocol';
import type { Line, Segment, Style } from './paint.ts';
import { statusLook } from './stream-table.ts';
import { formatCount, formatInstant, left, oneLine, plural, right } from './text.ts';

/** A stream with its name. */
export type Named = readonly [name: string, stream: StreamProgress];

type CountColumn = readonly [
  title: string,
  key: 'record_count' | 'created_count' | 'updated_count' | 'deleted_count' | 'skipped_count',
];

const RECORDS: CountColumn = ['records', 'record_count'];

/** What a destination says that it did, by what people call it. */
export const CHANGE_COLUMNS: readonly CountColumn[] = [
  ['created', 'created_count'],
  ['updated', 'updated_count'],
  ['deleted', 'deleted_count'],
  ['unchanged', 'skipped_count'],
];

/** So many lines for streams on a terminal; of more, those of which there is least to say become one line. */
const ROWS_MAX = 30;

/** Cut shorter than that, many names look the same; the counts make room then. */
const NAME_WIDTH_MIN = 20;

/**
 * What was done with each stream, and through when it is complete. On a terminal, of many streams those that read most have
 * a line, and skipped and failed ones none where they are named below. Pure.
 *
 * @param width characters a line; Infinity where lines are never broken and every stream has its own
 */
export function summaryTable(streams: readonly Named[], width: number): Line[] {
  const begun = streams.filter(([, stream]) => stream.status !== 'not_started');
  if (begun.length === 0) return [];
  const { shown, rest } = Number.isFinite(width) ? fewer(begun) : { shown: begun, rest: [] };
  return [
    ...rows(shown, width),
    ...moreLines(rest, 'completed', 'complete'),
    ...moreLines(rest, 'started', 'not yet complete'),
    ...notStartedLine(streams.length - begun.length),
  ];
}

function fewer(begun: readonly Named[]): { shown: readonly Named[]; rest: readonly Named[] } {
  if (begun.length <= ROWS_MAX) return { shown: begun, rest: [] };
  const named = begun.filter(([, { status }]) => status === 'completed' || status === 'started');
  // Two lines are for the rest.
  const chosen = new Set([...named].sort(([, a], [, b]) => b.record_count - a.record_count).slice(0, ROWS_MAX - 2));
  return { shown: named.filter((each) => chosen.has(each)), rest: named.filter((each) => !chosen.has(each)) };
}

function moreLines(streams: readonly Named[], status: StreamProgress['status'], what: string): Line[] {
  const group = streams.filter(([, stream]) => stream.status === status).map(([, stream]) => stream);
  if (group.length === 0) return [];
  const records = group.reduce((sum, stream) => sum + stream.record_count, 0);
  const { icon, style } = statusLook[status];
  const through = throughAll(group);
  return [
    [
      [`${icon} `, style],
      [`${formatCount(group.length)} more ${what}, ${plural(records, 'record')}${through}`, 'dim'],
    ],
  ];
}

/** Through when all of them are complete: the earliest, as far as all say it. */
function throughAll(streams: readonly StreamProgress[]): string {
  const all = streams.map(({ synced_through }) => synced_through).filter((time) => time !== undefined);
  if (all.length < streams.length) return '';
  const earliest = all.reduce((least, time) => (Date.parse(time) < Date.parse(least) ? time : least));
  return `, ${all.some((time) => time !== earliest) ? 'at least ' : ''}through ${formatInstant(earliest)}`;
}

/** Streams that were never begun have nothing to say; when that is all of them, the outcome says why. */
function notStartedLine(count: number): Line[] {
  if (count === 0) return [];
  const { icon, style } = statusLook.not_started;
  return [[[`${icon} ${plural(count, 'stream')} not started`, style]]];
}

/** The counts that say something, as many as there is room for beside names that can be told apart. */
function columnsFor(streams: readonly Named[], nameWidth: number, room: number): readonly CountColumn[] {
  const told = CHANGE_COLUMNS.filter(([, key]) => streams.some(([, stream]) => (stream[key] ?? 0) > 0));
  const widthOf = (columns: readonly CountColumn[]) =>
    columns.reduce((sum, column) => sum + countWidth(streams, column), 0);
  const wanted = [[RECORDS, ...told], told].filter((columns) => columns.length > 0);
  const names = [nameWidth, Math.min(nameWidth, NAME_WIDTH_MIN)];
  const found = names.flatMap((name) => wanted.filter((columns) => 2 + name + widthOf(columns) <= room))[0];
  return found ?? [RECORDS];
}

function countWidth(streams: readonly Named[], [title, key]: CountColumn): number {
  return streams.reduce((most, [, stream]) => Math.max(most, formatCount(stream[key] ?? 0).length), title.length) + 2;
}

function rows(streams: readonly Named[], width: number): Line[] {
  if (streams.length === 0) return [];
  const nameWidth = streams.reduce((most, [name]) => Math.max(most, oneLine(name).length), 6);
  const through = (isLong: boolean) => streams.map(([, stream]) => throughCell(stream, isLong));
  const widthOf = (cells: readonly Segment[]) =>
    cells.reduce((most, [text]) => Math.max(most, text.length), 'complete through'.length) + 2;
  const [long, short] = [through(true), through(false)];
  // Its icon says too that a stream has not ended.
  const fewest = 2 + Math.min(nameWidth, NAME_WIDTH_MIN) + countWidth(streams, RECORDS);
  const cells = fewest + widthOf(long) <= width ? long : short;
  const columns = columnsFor(streams, nameWidth, width - widthOf(cells));
  const rest = columns.reduce((sum, column) => sum + countWidth(streams, column), 2 + widthOf(cells));
  const fits = Math.min(nameWidth, Math.max(6, width - rest));
  const head: Line = [
    [
      `  ${left('stream', fits)}${columns.map((column) => right(column[0], countWidth(streams, column))).join('')}`,
      'dim',
    ],
    ['  complete through', 'dim'],
  ];
  return [
    head,
    ...streams.map(([name, stream], index): Line => {
      const { icon, style } = statusLook[stream.status];
      const counts = columns.map((column) => {
        const count = stream[column[1]];
        return right(count === undefined ? '' : formatCount(count), countWidth(streams, column));
      });
      const quiet = stream.status === 'skipped';
      return [
        [`${icon} `, style],
        [left(oneLine(name), fits), quiet ? 'dim' : 'plain'],
        [counts.join(''), quiet ? 'dim' : 'plain'],
        ['  ', 'plain'],
        cells[index]!,
      ];
    }),
  ];
}

function throughCell(stream: StreamProgress, isLong: boolean): Segment {
  const known = stream.synced_through === undefined ? undefined : formatInstant(stream.synced_through);
  const style: Style = stream.status === 'completed' ? 'plain' : 'dim';
  switch (stream.status) {
    case 'completed':
      return [known ?? 'complete', style];
    case 'skipped':
      return ['skipped', style];
    case 'errored':
      return [known === undefined ? 'failed' : isLong ? `${known}, then failed` : known, 'red'];
    case 'started':
      return [known === undefined ? 'not yet complete' : isLong ? `${known}, not yet all` : known, style];
    case 'not_started':
      return ['not started', style];
  }
}
