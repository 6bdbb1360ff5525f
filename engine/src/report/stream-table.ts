import type { StreamProgress } from '@penstock/protocol';
import type { Line, Segment, Style } from './paint.ts';
import { coveredFraction, formatPercent, rangeBar } from './range-bar.ts';
import { clip, formatCount, formatInstant, formatRate, left, oneLine, plural, right } from './text.ts';

/** How each status looks. A started stream has a spinner where the display moves. */
export const statusLook: Record<StreamProgress['status'], { readonly icon: string; readonly style: Style }> = {
  not_started: { icon: '○', style: 'dim' },
  started: { icon: '●', style: 'cyan' },
  completed: { icon: '✓', style: 'green' },
  skipped: { icon: '–', style: 'yellow' },
  errored: { icon: '✗', style: 'red' },
};

const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
/** Room for ` 4.7%`. */
const PERCENT_WIDTH = 5;
const COUNT_WIDTH = 11;
const RATE_WIDTH = 9;
const NAME_WIDTH_MAX = 40;
const BAR_WIDTH_MAX = 100;
/** Narrower than that a bar or a remark says nothing. */
const BAR_WIDTH_MIN = 8;
/** From this width of a terminal on the ends of a bar are dated. */
const DATED_WIDTH = 100;

/** Widths of the columns, in characters. */
export interface Columns {
  readonly name: number;
  /** What is left for the bar or a remark. */
  readonly rest: number;
  readonly dated: boolean;
}

/** Columns that fit a terminal `width` characters wide. */
export function columnsFor(names: readonly string[], width: number): Columns {
  const longest = names.reduce((most, name) => Math.max(most, name.length), 8);
  const name = Math.min(longest, NAME_WIDTH_MAX, Math.max(8, Math.floor(width * 0.35)));
  return { name, rest: Math.max(0, width - (2 + name + COUNT_WIDTH + RATE_WIDTH + 3)), dated: width >= DATED_WIDTH };
}

/** One stream as a line: status, name, records, rate, and how far it is. @param frame moves the spinner */
export function streamLine(name: string, stream: StreamProgress, rate: number, columns: Columns, frame: number): Line {
  const { icon, style } = statusLook[stream.status];
  const shownIcon = stream.status === 'started' ? SPINNER[frame % SPINNER.length]! : icon;
  const quiet = stream.status === 'not_started' || stream.status === 'skipped';
  const counted = stream.record_count > 0 || !quiet;
  return [
    [`${shownIcon} `, style],
    [left(oneLine(name), columns.name), quiet ? 'dim' : 'plain'],
    [right(counted ? formatCount(stream.record_count) : '', COUNT_WIDTH), 'plain'],
    [right(stream.status === 'started' ? formatRate(rate) : '', RATE_WIDTH), 'dim'],
    ['  ', 'plain'],
    ...howFar(stream, columns),
  ];
}

function howFar(stream: StreamProgress, columns: Columns): Segment[] {
  const { status, synced_through: through } = stream;
  const room = columns.rest;
  if (room < BAR_WIDTH_MIN) return [];
  if (status === 'completed') {
    return through === undefined ? [] : [[clip(`through ${formatInstant(through)}`, room), 'dim']];
  }
  if (status === 'skipped') return [[clip(oneLine(stream.message ?? ''), room), 'dim']];
  const covered = coveredFraction(stream);
  // Records without any range complete: it is not read by time, and an empty bar would look stuck.
  if (covered === undefined || (covered === 0 && status === 'started' && stream.record_count > 0)) {
    const saved = stream.state_count === 0 ? '' : plural(stream.state_count, 'checkpoint');
    return status === 'started' && saved.length <= room ? [[saved, 'dim']] : [];
  }
  // It is read, but has not ended: changes follow, or the source stays.
  const onward = through === undefined ? '' : `through ${formatInstant(through)}, goes on`;
  if (status === 'started' && covered === 1 && onward !== '' && onward.length <= room) return [[onward, 'dim']];
  return barSegments(stream, covered, columns);
}

function barSegments(stream: StreamProgress, covered: number, columns: Columns): Segment[] {
  const { total_range: total, completed_ranges: completed = [] } = stream;
  const [from, to] = [total!.gte.slice(0, 7), total!.lt.slice(0, 7)];
  const labels = columns.dated ? from.length + to.length + 2 : 0;
  // The bar stands between two thin caps; the number moves even where one cell stands for most of the work.
  const width = Math.min(BAR_WIDTH_MAX, columns.rest - labels - 2 - PERCENT_WIDTH);
  if (width < BAR_WIDTH_MIN) return columns.rest < PERCENT_WIDTH ? [] : [[formatPercent(covered), 'dim']];
  const style = stream.status === 'errored' ? 'red' : 'cyan';
  const percent: Segment = [right(formatPercent(covered), PERCENT_WIDTH), 'dim'];
  const bar: Segment[] = [
    ['▕', 'dim'],
    [rangeBar(total!, completed, width), style],
    ['▏', 'dim'],
  ];
  return columns.dated ? [[`${from} `, 'dim'], ...bar, [` ${to}`, 'dim'], percent] : [...bar, percent];
}
