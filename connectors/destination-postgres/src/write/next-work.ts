import type { Batch } from '../merge/batch.ts';

/** A batch to be merged, and where it stands among all that came in. */
export type BatchWork = {
  readonly kind: 'batch';
  readonly stream: string;
  readonly batch: Batch;
  readonly position: number;
};

/** What waits for a connection: a batch, or what is done when all batches before are merged, while those behind wait. */
export type Work =
  | BatchWork
  /** A whole set of rows takes the place of the old one. */
  | { readonly kind: 'take_over'; readonly stream: string; readonly position: number }
  /** The table gets the indexes that it lacks. No message waits for that: all rows are there. */
  | { readonly kind: 'indexes'; readonly stream: string };

/** What connections are doing. */
export type Business = {
  /** How many work on each stream. */
  readonly inFlight: ReadonlyMap<string, number>;
  /** Streams whose batches wait for other work on the whole table. */
  readonly blocked: ReadonlySet<string>;
  /** How many there are. */
  readonly connections: number;
};

/**
 * Chooses what a free connection does next. A stream that no connection works on goes first, and of more than two connections
 * one is left to the others, so that a slow stream doesn't keep all. Pure.
 *
 * @param queue oldest first
 * @returns undefined when nothing may be done now
 */
export function nextWork(queue: readonly Work[], { inFlight, blocked, connections }: Business): Work | undefined {
  const passed = new Set<string>();
  const waiting = new Set(blocked);
  const flightsMax = Math.max(2, connections - 1);
  let second: Work | undefined;
  for (const work of queue) {
    const { stream } = work;
    const flights = inFlight.get(stream) ?? 0;
    const isBatch = work.kind === 'batch';
    const mayRun = !waiting.has(stream) && (isBatch ? flights < flightsMax : flights === 0 && !passed.has(stream));
    if (mayRun && flights === 0) return work;
    if (mayRun) second ??= work;
    passed.add(stream);
    if (!isBatch) waiting.add(stream);
  }
  return second;
}
