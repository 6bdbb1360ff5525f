import type { SyncState } from '@penstock/protocol';
import { encodeStreamState, parseState, parseStateJson, stateInvalid } from './parse-state.ts';

/** What a row of the state table is about. */
export type Section = 'source_stream' | 'source_global' | 'destination' | 'sync_run' | 'resolved_config';

/**
 * Names one row of a pipeline. `stream` is empty where the section is not about one stream; in section `resolved_config` it
 * is the side.
 */
export interface RowKey {
  readonly section: Section;
  readonly stream: string;
}

/** One row of a pipeline; `data` is JSON text. */
export interface StateRow extends RowKey {
  readonly data: string;
}

/** What has to be written so that the table holds a state. */
export interface StateChanges {
  readonly written: readonly StateRow[];
  readonly removed: readonly RowKey[];
}

/** The parts of a state that are rows, each as the value that it was made from. */
function partsOf(state: SyncState | undefined): Map<Section, Readonly<Record<string, unknown>>> {
  if (state === undefined) return new Map();
  return new Map<Section, Record<string, unknown>>([
    ['source_stream', state.source.streams],
    ['source_global', { '': state.source.global }],
    ['destination', { '': state.destination }],
    ['sync_run', { ...state.sync_run.progress.streams, '': state.sync_run }],
    ['resolved_config', { ...state.resolved_config }],
  ]);
}

/**
 * What differs between two states, told by identity: reducers never change what they gave away. Pure.
 *
 * @throws CodedError `protocol_violated` when the state of a stream is over its limit
 */
export function stateChanges(before: SyncState | undefined, after: SyncState): StateChanges {
  const written: StateRow[] = [];
  const removed: RowKey[] = [];
  const partsBefore = partsOf(before);
  for (const [section, parts] of partsOf(after)) {
    const known = partsBefore.get(section) ?? {};
    for (const stream in parts) {
      if (Object.hasOwn(known, stream) && known[stream] === parts[stream]) continue;
      written.push({ section, stream, data: encodePart(section, stream, parts[stream]) });
    }
    for (const stream in known) if (!Object.hasOwn(parts, stream)) removed.push({ section, stream });
  }
  return { written, removed };
}

function encodePart(section: Section, stream: string, part: unknown): string {
  if (section === 'source_stream') return encodeStreamState(stream, part);
  if (section !== 'sync_run' || stream !== '') return JSON.stringify(part);
  // The streams have rows of their own.
  const { progress, ...run } = part as SyncState['sync_run'];
  return JSON.stringify({ ...run, progress: { ...progress, streams: {} } });
}

/**
 * The state that rows hold; undefined when there are none.
 *
 * @param where the table and the pipeline, for messages
 * @throws CodedError `state_invalid` naming the row
 */
export function stateOfRows(rows: readonly StateRow[], where: string): SyncState | undefined {
  if (rows.length === 0) return undefined;
  const source: { streams: Record<string, unknown>; global: unknown } = { streams: {}, global: {} };
  const progressOf: Record<string, unknown> = {};
  let destination: unknown = {};
  const resolved: Record<string, unknown> = {};
  let run: unknown;
  for (const { section, stream, data } of rows) {
    const value = parseStateJson(data, `${where}, section ${section}${stream === '' ? '' : `, stream "${stream}"`}`);
    if (section === 'source_stream') source.streams[stream] = value;
    else if (section === 'source_global') source.global = value;
    else if (section === 'destination') destination = value;
    else if (section === 'resolved_config') resolved[stream] = value;
    else if (stream === '') run = value;
    else progressOf[stream] = value;
  }
  if (!isObject(run) || !isObject(run.progress)) throw stateInvalid(where, 'the row of section sync_run is missing');
  const sync_run = { ...run, progress: { ...run.progress, streams: progressOf } };
  const found = Object.keys(resolved).length === 0 ? {} : { resolved_config: resolved };
  return parseState({ source, destination, sync_run, ...found }, where);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
