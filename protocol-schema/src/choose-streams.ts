import type { Stream } from './catalog.ts';

/** Stands in a list of streams for every one that is not optional. */
export const USUAL_STREAMS = '*';

/** Whether the stream is read only when it is named: its source says so in `metadata.optional`. */
export function isOptionalStream(stream: Stream): boolean {
  return stream.metadata?.optional === true;
}

/**
 * The streams that are meant, in the order of the catalog: those that are named, and with {@link USUAL_STREAMS} among the
 * names, or without any list, every one that is not optional. Names that the catalog doesn't have are passed over. Pure.
 */
export function chooseStreams(
  streams: readonly Stream[],
  names: readonly string[] | undefined = [USUAL_STREAMS],
): Stream[] {
  const named = new Set(names);
  return streams.filter((stream) => named.has(stream.name) || (named.has(USUAL_STREAMS) && !isOptionalStream(stream)));
}
