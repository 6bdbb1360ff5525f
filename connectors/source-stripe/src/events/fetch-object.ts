import { ConnectorError } from '@penstock/connector-sdk';
import { VISIBILITY_MARGIN_S } from '../pages/fetch-page.ts';
import { isKey, scanObject, skipSpace, skipValue } from '../pages/scan-json.ts';
import { toOneLine } from '../pages/stamp-record.ts';
import type { StripeStream } from '../streams/stream-table.ts';
import { StripeResponseError } from '../stripe-error.ts';
import type { EventReader } from './read-event-pages.ts';

/** An object as it is now, or that it no longer is. */
export type FetchedObject = {
  /** A second for which this is surely true. */
  readonly asOf: number;
} & (
  | {
      readonly kind: 'found';
      /** From brace to brace, on one line, as it stands in the answer (P9). */
      readonly bytes: Buffer;
    }
  | { readonly kind: 'gone' }
);

/** The path of one object of a list. @param parentId for a list under a parent */
export function objectPath(stream: Pick<StripeStream, 'path'>, id: string, parentId: string | undefined): string {
  const list = stream.path.replace(/\?.*/s, '');
  const encode = (text: string): string => encodeURIComponent(text.toWellFormed());
  return `${list.replaceAll('{id}', () => encode(parentId ?? ''))}/${encode(id)}`;
}

const ID = Buffer.from('id');
const DELETED = Buffer.from('deleted');

/** @returns undefined where the answer says that the object is deleted @throws Error for anything but that object */
function readObject(body: Buffer, id: string): Buffer | undefined {
  const bytes = toOneLine(body);
  const start = skipSpace(bytes, 0);
  let found: unknown;
  let isDeleted = false;
  const end = scanObject(bytes, start, (keyStart, keyEnd, valueStart) => {
    const valueEnd = skipValue(bytes, valueStart);
    if (isKey(bytes, keyStart, keyEnd, ID)) found = JSON.parse(bytes.toString('utf8', valueStart, valueEnd));
    else if (isKey(bytes, keyStart, keyEnd, DELETED)) {
      isDeleted = bytes.toString('latin1', valueStart, valueEnd) === 'true';
    }
    return valueEnd;
  });
  if (skipSpace(bytes, end) !== bytes.length) throw new Error('something follows the object');
  if (found !== id) throw new Error(`it is not the object ${id}`);
  return isDeleted ? undefined : bytes.subarray(start, end);
}

/**
 * Asks for one object. What Stripe no longer knows is gone; a 404 without that reason is an error, since it may mean that
 * objects of this list can't be asked for.
 *
 * @throws StripeResponseError, ConnectorError, or the signal's reason when it is aborted
 */
export async function fetchObject(
  client: EventReader,
  stream: StripeStream,
  id: string,
  parentId: string | undefined,
  signal: AbortSignal,
): Promise<FetchedObject> {
  const path = objectPath(stream, id, parentId);
  try {
    const { body, date } = await client.get(path, signal);
    const asOf = (date ?? client.now()) - VISIBILITY_MARGIN_S;
    const bytes = readAnswer(body, path, id);
    return bytes === undefined ? { kind: 'gone', asOf } : { kind: 'found', bytes, asOf };
  } catch (error) {
    const isMissing = error instanceof StripeResponseError && error.code === 'resource_missing';
    if (!isMissing || (error.status !== 404 && error.status !== 400)) throw error;
    return { kind: 'gone', asOf: client.now() - VISIBILITY_MARGIN_S };
  }
}

function readAnswer(body: Buffer, path: string, id: string): Buffer | undefined {
  try {
    return readObject(body, id);
  } catch (cause) {
    const shown = JSON.stringify(body.toString('utf8', 0, 120));
    const message = `GET ${path} answered something that is not that object: ${(cause as Error).message}. It begins ${shown}.`;
    throw new ConnectorError('response_invalid', { message, cause });
  }
}
