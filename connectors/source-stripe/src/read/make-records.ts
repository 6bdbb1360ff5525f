import type { ConnectorLog } from '@penstock/connector-sdk';
import type { MadeRecords, PageOfList, RecordMaker } from '../backfill/read-lists.ts';
import { completePage } from '../embedded/complete-page.ts';
import { type ChildStream, childrenOfPage, isChildStream } from '../embedded/read-children.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';

/** What making records works with. */
export interface MakingContext {
  readonly client: StripeReader;
  readonly accountId: string;
  readonly log: ConnectorLog;
  readonly signal: AbortSignal;
}

/** Objects of one page for which requests are made at once, where their lists are cut off. */
const CONCURRENCY = 8;

/**
 * Records of a list are its objects with their lists completed; those of a list under a parent are in or under these. What
 * was completed for the one is not asked for again for the other.
 */
export function recordMaker(context: MakingContext): RecordMaker {
  return (page, streams) => makeRecords(page, streams, context);
}

async function* makeRecords(
  page: PageOfList,
  streams: readonly StripeStream[],
  context: MakingContext,
): AsyncGenerator<MadeRecords, void, undefined> {
  const children = streams.filter(isChildStream);
  const own = streams.find((stream) => !isChildStream(stream));
  if (own === undefined) yield* makeChildren(page, page.objects, children, context);
  else {
    let count = 0;
    try {
      for await (const objects of completed(page, own, context)) {
        count += objects.length;
        yield { stream: own, records: objects };
        yield* makeChildren(page, objects, children, context);
      }
    } catch (error) {
      context.signal.throwIfAborted();
      yield { stream: own, error };
      yield* makeChildren(page, page.objects.slice(count), children, context);
    }
  }
}

async function* completed(
  { objects }: PageOfList,
  stream: StripeStream,
  { client, log, signal }: MakingContext,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  if (stream.embeddedLists === undefined) yield objects;
  else yield* completePage(objects, stream, { client, log, signal }, CONCURRENCY);
}

async function* makeChildren(
  { asOf }: PageOfList,
  parents: readonly Buffer[],
  children: readonly ChildStream[],
  { client, accountId, signal }: MakingContext,
): AsyncGenerator<MadeRecords, void, undefined> {
  for (const child of children) {
    try {
      const context = { client, child, stamp: { accountId, asOf }, signal };
      for await (const records of childrenOfPage(parents, context, CONCURRENCY)) yield { stream: child, records };
    } catch (error) {
      signal.throwIfAborted();
      yield { stream: child, error };
    }
  }
}
