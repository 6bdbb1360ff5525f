import type { StripeStream } from '../streams/stream-table.ts';

/** A stream of widgets, gadgets or the like, of which events tell everything. */
export function eventStream(name: string, more: Partial<StripeStream> = {}): StripeStream {
  const object = name.slice(0, -1);
  return {
    name,
    path: `/v1/${name}`,
    object,
    version: 1,
    created: 'created',
    limit: 100,
    paging: 'starting_after',
    excluded: null,
    queries: [''],
    events: 'all',
    eventTypes: [`${object}.created`, `${object}.updated`, `${object}.deleted`],
    deletedBy: [`${object}.deleted`],
    ...more,
  };
}

/** A table of such streams. */
export function eventTable(...streams: readonly StripeStream[]): {
  readonly streams: ReadonlyMap<string, StripeStream>;
} {
  return { streams: new Map(streams.map((stream) => [stream.name, stream])) };
}
