import type { StripeStream } from '../streams/stream-table.ts';
import { type CompletionContext, type CompletionLimits, completeLists, completionLimits } from './complete-lists.ts';
import { mayBeCutOff } from './find-list.ts';
import { inOrder } from './in-order.ts';

/**
 * Completes the lists of many objects, as `completeLists` does for one, and yields all of them in their order, never none.
 * Objects of which nothing is cut off are the very same buffers, all at once up to the next that is.
 *
 * @param concurrency objects at once that are completed, at least 1; each of them may take `objectBytesMax`
 */
export async function* completePage(
  objects: readonly Buffer[],
  stream: StripeStream,
  context: CompletionContext,
  concurrency: number,
  limits: CompletionLimits = completionLimits,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const isWhole = (bytes: Buffer): boolean => stream.embeddedLists === undefined || !mayBeCutOff(bytes);
  if (objects.every(isWhole)) {
    if (objects.length > 0) yield objects;
    return;
  }
  yield* inOrder(
    objects,
    (bytes) => {
      if (isWhole(bytes)) return { ready: [bytes], rest: undefined };
      const rest = async function* (signal: AbortSignal) {
        yield [await completeLists(bytes, stream, { ...context, signal }, limits)];
      };
      return { ready: [], rest };
    },
    concurrency,
    context.signal,
  );
}
