import { ConnectorError } from '@penstock/connector-sdk';
import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import { readListPage } from '../pages/list-page.ts';
import { type RecordStamp, recordFinder, stampRecords } from '../pages/stamp-record.ts';
import type { ParentList, StripeStream } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import { type FoundList, findObject } from './find-list.ts';
import { followList, pathUnder } from './follow-list.ts';
import { inOrder, type Part } from './in-order.ts';

/** A stream that is a list under a parent. */
export interface ChildStream extends StripeStream {
  readonly parent: ParentList;
}

/** What reading children needs beside their parents. */
export interface ChildContext {
  readonly client: StripeReader;
  readonly child: ChildStream;
  /** Of the parents, and so of the children that they show. */
  readonly stamp: Pick<RecordStamp, 'accountId' | 'asOf'>;
  readonly signal: AbortSignal;
}

/** Whether it is a list under a parent. */
export function isChildStream(stream: StripeStream): stream is ChildStream {
  return stream.parent !== undefined;
}

/** Where the list of one parent goes on. */
interface Continuation {
  readonly parentId: string;
  /** The last child that the parent shows; undefined for the whole list. */
  readonly after: string | undefined;
}

async function* readFrom(
  { parentId, after }: Continuation,
  { client, child, stamp }: ChildContext,
  signal: AbortSignal,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const path = pathUnder(child.path, parentId);
  const list = { ...child, path: path.replace(/\?.*/s, '') };
  const shape = { isTokenPaged: child.paging === 'page', limit: child.limit };
  for (const query of child.queries) {
    const queried = query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`;
    const steps = followList({ ...shape, path: queried }, after, async (pagePath) => {
      const { body, date } = await client.get(pagePath, signal);
      const asOf = (date ?? client.now()) - VISIBILITY_MARGIN_S;
      return readListPage(body, list, { accountId: stamp.accountId, asOf, parentId });
    });
    for await (const step of steps) {
      if (step.kind === 'gone') return;
      if (step.page.records.length > 0) yield step.page.records;
    }
  }
}

function stampShown(parent: Buffer, shown: FoundList, stamp: RecordStamp): readonly Buffer[] {
  const find = recordFinder(stamp, undefined);
  const objects = shown.items.map(({ start }) => find(parent, start));
  return stampRecords(parent, objects, stamp).records;
}

/** The children that a parent shows, and how its list goes on. */
function takeApart(parent: Buffer, { child, stamp }: ChildContext): { shown: readonly Buffer[]; rest?: Continuation } {
  const { embedded } = child.parent;
  const { id: parentId, list } = findObject(parent, embedded ?? '');
  if (parentId === undefined) throw new Error('it has no id');
  // What a parent shows is the plain list, and not that of another query.
  const isPlain = embedded !== null && child.queries.every((query) => query === '');
  if (!isPlain || list?.hasMore === undefined) return { shown: [], rest: { parentId, after: undefined } };
  const shown = stampShown(parent, list, { ...stamp, parentId });
  if (!list.hasMore) return { shown };
  return { shown, rest: { parentId, after: child.paging === 'starting_after' ? list.items.at(-1)?.id : undefined } };
}

function partOf(parent: Buffer, context: ChildContext): Part {
  try {
    const { shown, rest } = takeApart(parent, context);
    return { ready: shown, rest: rest && ((signal) => readFrom(rest, context, signal)) };
  } catch (cause) {
    const { path, embedded } = context.child.parent;
    const where = embedded === null ? '' : ` or what it shows in \`${embedded}\``;
    const message = `An object of ${path}${where} can't be read: ${(cause as Error).message}.`;
    throw new ConnectorError('response_invalid', { message, cause });
  }
}

/**
 * Reads the list under each of these parents, in their order: from what the parent shows of it, with a request only where
 * that says that there is more; or from the beginning where the parent shows nothing. Each record is the object as Stripe
 * wrote it (P9), with the parent's id beside the account and `_as_of`.
 *
 * Yields records a page at a time, never none: a list may be larger than what fits into memory (P4). A child may come
 * twice where the object under a cursor was deleted meanwhile. A parent that is gone has no more children.
 *
 * @param parents objects as they are in a list page, each on one line; their own stamp does not matter
 * @param concurrency parents at once for which requests are made, at least 1
 * @throws StripeResponseError when a list is refused; ConnectorError `response_invalid` when a parent or a child has no
 * id, or an answer is no list; the signal's reason when it is aborted
 */
export function childrenOfPage(
  parents: readonly Buffer[],
  context: ChildContext,
  concurrency: number,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  return inOrder(parents, (parent) => partOf(parent, context), concurrency, context.signal);
}

/** Reads the list under one parent: see {@link childrenOfPage}. */
export function readChildren(
  parent: Buffer,
  context: ChildContext,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  return childrenOfPage([parent], context, 1);
}
