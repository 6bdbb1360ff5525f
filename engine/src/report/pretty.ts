import type { Readable, Writable } from 'node:stream';
import {
  LineSplitter,
  type Message,
  type ProgressPayload,
  parseLine,
  type StreamStatusPayload,
} from '@penstock/protocol';
import { logLine } from './log-line.ts';
import { type Line, paint, type Segment, type Style, wantsColor } from './paint.ts';
import { statusLook } from './stream-table.ts';
import { summaryLines } from './summary.ts';
import { clip, formatCount, formatDuration, formatInstant, formatRate, listNames, oneLine, plural } from './text.ts';
import { TextOutput } from './text-output.ts';

/** How much of a checkpoint or another opaque value is shown, in characters. */
const VALUE_WIDTH = 80;

/** With less room than that nothing of it is shown. */
const VALUE_WIDTH_MIN = 12;

/** How wide lists of names and summaries are where the output is no terminal, in characters. */
const WIDTH = 120;

/**
 * Renders the messages on `input`, one line each; what is no message goes through as it is. Ends when the input does, or
 * when nobody reads the output any more.
 *
 * @param color by default on a terminal unless NO_COLOR is set
 * @throws CodedError `line_too_long`
 */
export async function pretty(
  input: Readable,
  output: Writable & { isTTY?: boolean; columns?: number },
  color = wantsColor(output),
): Promise<void> {
  const width = output.columns ?? WIDTH;
  const text = new TextOutput(output);
  const splitter = new LineSplitter();
  const show = (line: string) => {
    const lines = prettyLines(line, width);
    return lines === undefined ? `${line}\n` : lines.map((shown) => `${paint(shown, color)}\n`).join('');
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let shown = '';
    splitter.push(chunk, (bytes, start, end) => {
      shown += show(bytes.toString('utf8', start, end));
    });
    await text.write(shown);
    if (text.isGone) break;
  }
  const rest = splitter.takeRest();
  if (rest !== undefined) text.write(show(rest.toString()));
  await text.whenFlushed();
}

/** A line of the protocol as people read it; undefined when it is no message. Pure. @param width characters a line */
export function prettyLines(line: string, width: number): Line[] | undefined {
  const parsed = parseLine(line);
  if (parsed.kind === 'unknown_type') return [[[clip(oneLine(line), width), 'dim']]];
  if (parsed.kind !== 'message') return undefined;
  const { message } = parsed;
  const lines = messageLines(message, width);
  if (message._ts === undefined || message.type === 'eof') return lines;
  return lines.map((shown) => [[`${message._ts!.slice(11, 19)} `, 'dim'], ...shown]);
}

function messageLines(message: Message, width: number): Line[] {
  switch (message.type) {
    case 'log':
      return [logLine(message.log, message._emitted_by)];
    case 'eof':
      return summaryLines(message.eof, 'run', width);
    case 'stream_status':
      return [statusLine(message.stream_status)];
    case 'progress':
      return [progressLine(message.progress)];
    default:
      return [[[`${LABELS[message.type]} `, 'cyan'], ...described(message, width)]];
  }
}

const LABELS = {
  record: 'record',
  source_state: 'state ',
  write_result: 'write ',
  spec: 'spec  ',
  connection_status: 'check ',
  catalog: 'catalog',
  control: 'control',
  source_input: 'input ',
} as const;

function described(message: Extract<Message, { type: keyof typeof LABELS }>, width: number): Segment[] {
  switch (message.type) {
    case 'record': {
      const { stream, data } = message.record;
      const deleted: Segment = [data.deleted === true ? '  deleted' : '', 'red'];
      return [[oneLine(stream), 'bold'], [`  ${identity(data)}`, 'plain'], deleted];
    }
    case 'source_state': {
      const state = message.source_state;
      const count = state.record_count === undefined ? '' : `  after ${plural(state.record_count, 'record')}`;
      const name = state.state_type === 'global' ? 'global' : oneLine(state.stream);
      // The label and a time may stand before it.
      const room = width - name.length - count.length - 18;
      return [
        [name, 'bold'],
        [count, 'plain'],
        [room < VALUE_WIDTH_MIN ? '' : `  ${showValue(state.data, room)}`, 'dim'],
      ];
    }
    case 'write_result': {
      const { stream, ...counts } = message.write_result;
      const said = Object.entries(counts).map(
        ([what, count]) => `${formatCount(count)} ${what === 'skipped' ? 'unchanged' : what}`,
      );
      return [
        [oneLine(stream), 'bold'],
        [`  ${said.join(', ')}`, 'plain'],
      ];
    }
    case 'spec': {
      const { connector, protocol_version, config } = message.spec;
      const keys = Object.keys(typeof config.properties === 'object' ? (config.properties ?? {}) : {});
      const who = connector === undefined ? '' : oneLine(`${connector.name} ${connector.version}`);
      return [
        [who, 'bold'],
        [`  protocol ${protocol_version}, config: ${listNames(keys.map(oneLine), width - 30)}`, 'plain'],
      ];
    }
    case 'connection_status': {
      const { status, message: text = '' } = message.connection_status;
      const style: Style = status === 'failed' ? 'red' : 'green';
      return [
        [status, style],
        [text === '' ? '' : `: ${oneLine(text)}`, style],
      ];
    }
    case 'catalog': {
      const names = message.catalog.streams.map((stream) => oneLine(stream.name));
      return [
        [`${plural(names.length, 'stream')}  `, 'bold'],
        [listNames(names, width - 24), 'dim'],
      ];
    }
    case 'control': {
      // Keys only: a connector's own output may hold secrets that nobody has masked yet (P7).
      const { control } = message;
      const config = control.control_type === 'source_config' ? control.source_config : control.destination_config;
      return [[`${control.control_type}: ${listNames(Object.keys(config).map(oneLine), width - 30)}`, 'plain']];
    }
    case 'source_input':
      return [[showValue(message.source_input), 'dim']];
  }
}

function statusLine(payload: StreamStatusPayload): Line {
  const looks = {
    start: ['started', payload.status === 'start' ? showRange(payload.time_range) : ''],
    running: ['started', ''],
    range_complete: ['started', payload.status === 'range_complete' ? showRange(payload.range_complete) : ''],
    complete: ['completed', ''],
    error: ['errored', payload.status === 'error' ? `: ${oneLine(payload.error)}` : ''],
    skip: ['skipped', payload.status === 'skip' ? `: ${oneLine(payload.reason)}` : ''],
  } as const;
  const [look, detail] = looks[payload.status];
  const { icon, style } = statusLook[look];
  return [
    [`${icon} `, style],
    [oneLine(payload.stream), 'bold'],
    [` ${payload.status.replace('_', ' ')}`, style],
    [detail, 'plain'],
  ];
}

function showRange(range: { gte?: string | undefined; lt?: string | undefined } | undefined): string {
  if (range?.gte === undefined && range?.lt === undefined) return '';
  const bound = (iso: string | undefined) => (iso === undefined ? '…' : formatInstant(iso));
  return ` [${bound(range.gte)} → ${bound(range.lt)})`;
}

function progressLine(progress: ProgressPayload): Line {
  const streams = Object.values(progress.streams);
  const records = streams.reduce((sum, stream) => sum + stream.record_count, 0);
  const ended = streams.filter(({ status }) => status !== 'not_started' && status !== 'started').length;
  const rate = formatRate(progress.derived.records_per_second);
  const facts = [
    formatDuration(progress.elapsed_ms),
    plural(records, 'record'),
    rate,
    `${formatCount(ended)} of ${plural(streams.length, 'stream')} done`,
    progress.derived.status,
  ];
  return [
    ['progress ', 'cyan'],
    [facts.filter((fact) => fact !== '').join(', '), 'dim'],
  ];
}

/** What names a record: its `id`, else its first field. */
function identity(data: Record<string, unknown>): string {
  const [key = '', first] = Object.entries(data)[0] ?? [];
  if (data.id === undefined) return key === '' ? '' : `${oneLine(key)}=${showValue(first)}`;
  return typeof data.id === 'string' ? oneLine(data.id) : showValue(data.id);
}

function showValue(value: unknown, room = VALUE_WIDTH): string {
  return clip(oneLine(JSON.stringify(value) ?? ''), Math.min(room, VALUE_WIDTH));
}
