import type { ReadContext } from '@penstock/connector-sdk';
import type { ConfiguredStream } from '@penstock/protocol';
import type { StripeConfig } from '../config.ts';
import type { StreamState } from '../ranges/range.ts';
import { readStreamState, secondOf } from '../ranges/stream-state.ts';
import type { StreamTable, StripeStream } from '../streams/stream-table.ts';

/** A stream of the catalog, as a run goes along. */
export interface RunStream {
  readonly stream: StripeStream;
  /** What is asked for: the stream's own list, or the one that holds its parents. */
  readonly list: StripeStream;
  /** Of the user or the run; undefined for lists that can't be filtered by time. */
  readonly timeRange: ConfiguredStream['time_range'];
  readonly backfillLimit: number | undefined;
  /** How far it is, as it was emitted or saved; undefined when nothing is known. */
  state: StreamState | undefined;
  /** Its terminal status was said. */
  hasEnded: boolean;
}

/** The streams of the catalog that the table has, and the names of those that it doesn't. */
export interface CatalogStreams {
  readonly streams: readonly RunStream[];
  readonly unknown: readonly string[];
}

/**
 * Finds the catalog's streams in the table, with their saved state.
 *
 * @param openEnd second from which on the end of a time range is none: reading goes on until it is stopped
 */
export function streamsOfCatalog(
  { catalog, state, config }: Pick<ReadContext<StripeConfig>, 'catalog' | 'state' | 'config'>,
  table: StreamTable,
  openEnd: number,
): CatalogStreams {
  const byPath = new Map([...table.streams.values()].map((stream) => [stream.path, stream]));
  const streams: RunStream[] = [];
  const unknown: string[] = [];
  for (const configured of catalog.streams) {
    const { name } = configured.stream;
    const stream = table.streams.get(name);
    const list = stream?.parent === undefined ? stream : byPath.get(stream.parent.path);
    if (stream === undefined || list === undefined) {
      unknown.push(name);
      continue;
    }
    const saved = state.streams[name];
    streams.push({
      stream,
      list,
      timeRange: list.created === null ? undefined : withoutOpenEnd(configured.time_range, openEnd),
      backfillLimit: configured.backfill_limit ?? config.backfill_limit,
      state: saved === undefined ? undefined : readStreamState(saved),
      hasEnded: false,
    });
  }
  return { streams, unknown };
}

function withoutOpenEnd(timeRange: ConfiguredStream['time_range'], openEnd: number): ConfiguredStream['time_range'] {
  if (timeRange?.lt === undefined || secondOf(timeRange.lt) < openEnd) return timeRange;
  const { lt: _, ...open } = timeRange;
  return open;
}
