import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import type { EmbeddedList, StripeStream } from '../streams/stream-table.ts';
import type { StripeReader } from '../stripe-client.ts';
import { type FoundList, type FoundObject, findObject, mayBeCutOff, type Span } from './find-list.ts';
import { followList, PAGE_LIMIT, pathUnder } from './follow-list.ts';
import { readRestPage } from './rest-page.ts';

/** How far lists are completed; a list beyond stays cut off. */
export interface CompletionLimits {
  /** Items of one list. */
  readonly itemsMax: number;
  /** The object with all its items. */
  readonly objectBytesMax: number;
}

/** 10,000 items are 100 requests for one object; 24 MiB leave room for the rest of a line (at most 32 MiB). */
export const completionLimits: CompletionLimits = { itemsMax: 10_000, objectBytesMax: 24 * 1024 * 1024 };

/** What completing needs beside the object. */
export interface CompletionContext {
  readonly client: Pick<StripeReader, 'get'>;
  readonly log: ConnectorLog;
  readonly signal: AbortSignal;
}

/** The items that an object doesn't show. */
interface Rest {
  readonly items: readonly Buffer[];
  /** Whether they are the whole list, and take the place of what the object shows. */
  readonly isWhole: boolean;
}

const COMMA = Buffer.from(',');
const FALSE = Buffer.from('false');

/** Bytes that take the place of others. */
interface Edit extends Span {
  readonly bytes: readonly Buffer[];
}

function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    pieces.push(bytes.subarray(from, edit.start), ...edit.bytes);
    from = edit.end;
  }
  return Buffer.concat([...pieces, bytes.subarray(from)]);
}

/** The object with the rest in its list, and every other byte as it was. */
function splice(bytes: Buffer, { data, items, hasMoreSpan }: FoundList, rest: Rest): Buffer {
  const edits: Edit[] = hasMoreSpan === undefined ? [] : [{ ...hasMoreSpan, bytes: [FALSE] }];
  const start = items[0]?.start ?? data.start + 1;
  const end = items.at(-1)?.end ?? start;
  const inserted = rest.items.flatMap((item) => [COMMA, item]);
  if (rest.isWhole) edits.push({ start, end, bytes: inserted.slice(1) });
  else edits.push({ start: end, end, bytes: inserted });
  return applyEdits(bytes, edits);
}

function findOrRefuse(bytes: Buffer, stream: StripeStream, property: string): FoundObject {
  try {
    return findObject(bytes, property);
  } catch (cause) {
    const message = `An object of ${stream.path} is not JSON: ${(cause as Error).message}.`;
    throw new ConnectorError('response_invalid', { message, cause });
  }
}

/** Why a list stays cut off, or undefined. */
function beyondLimits(items: number, bytes: number, limits: CompletionLimits): string | undefined {
  if (items > limits.itemsMax) return `more than ${limits.itemsMax} items`;
  if (bytes > limits.objectBytesMax) return `more than ${limits.objectBytesMax} bytes with its object`;
  return undefined;
}

/** @returns the rest; `'gone'` with the object; or why it is too much */
async function readRest(
  bytes: Buffer,
  shown: FoundList,
  path: string,
  { client, signal }: CompletionContext,
  limits: CompletionLimits,
): Promise<Rest | 'gone' | { readonly tooMuch: string }> {
  const plainPath = path.replace(/\?.*/s, '');
  const after = shown.items.at(-1)?.id;
  const list = { path, isTokenPaged: false, limit: PAGE_LIMIT };
  const shownBytes = (shown.items.at(-1)?.end ?? 0) - (shown.items[0]?.start ?? 0);
  let items: Buffer[] = [];
  let isWhole = false;
  let size = bytes.length;
  const steps = followList(list, after, async (pagePath) => {
    const { body } = await client.get(pagePath, signal);
    return readRestPage(body, plainPath);
  });
  for await (const step of steps) {
    if (step.kind === 'gone') return 'gone';
    if (step.isFirst) {
      items = [];
      isWhole = true;
      size = bytes.length - shownBytes;
    }
    for (const item of step.page.items) {
      items.push(item);
      size += item.length + 1;
    }
    // With the page that is known to follow: a list that ends exactly at the limit is within it.
    const count = items.length + (isWhole ? 0 : shown.items.length) + (step.page.next === undefined ? 0 : 1);
    const tooMuch = beyondLimits(count, size, limits);
    if (tooMuch !== undefined) return { tooMuch };
  }
  return { items, isWhole };
}

async function completeList(
  bytes: Buffer,
  stream: StripeStream,
  { property, path }: EmbeddedList,
  context: CompletionContext,
  limits: CompletionLimits,
): Promise<Buffer> {
  const { id, list } = findOrRefuse(bytes, stream, property);
  if (list?.hasMore !== true || id === undefined) return bytes;
  const rest = await readRest(bytes, list, pathUnder(path, id), context, limits);
  if (rest === 'gone') return bytes;
  if ('tooMuch' in rest) {
    const text = `The list \`${property}\` of ${id} stays cut off: it has ${rest.tooMuch}.`;
    context.log.warn(text, { stream: stream.name, data: { id, property } });
    return bytes;
  }
  return splice(bytes, list, rest);
}

/**
 * Completes the lists of an object of which Stripe shows the first page only: the other pages are read, their items
 * stand in `data` as Stripe wrote them, and `has_more` is false. Every other byte of the object is kept (P9). A list stays
 * as it is where its object is gone meanwhile, and, with a warning, where it is beyond the limits.
 *
 * @param bytes one object on one line, with or without a stamp
 * @throws StripeResponseError when a page is refused; ConnectorError `response_invalid` when it is no list of objects with
 * ids; the signal's reason when it is aborted
 * @returns the very same buffer when nothing is completed
 */
export async function completeLists(
  bytes: Buffer,
  stream: StripeStream,
  context: CompletionContext,
  limits: CompletionLimits = completionLimits,
): Promise<Buffer> {
  if (stream.embeddedLists === undefined || !mayBeCutOff(bytes)) return bytes;
  let completed = bytes;
  for (const list of stream.embeddedLists) {
    completed = await completeList(completed, stream, list, context, limits);
  }
  return completed;
}
