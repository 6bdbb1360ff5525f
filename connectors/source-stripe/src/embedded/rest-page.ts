import { ConnectorError } from '@penstock/connector-sdk';
import { skipSpace } from '../pages/scan-json.ts';
import { toOneLine } from '../pages/stamp-record.ts';
import { readListObject } from './find-list.ts';
import type { FollowedPage } from './follow-list.ts';

/** A page of a list that is to go into an object. */
export interface RestPage extends FollowedPage {
  /** Each item as it stands in the page, on one line. */
  readonly items: readonly Buffer[];
}

function takeApart(bytes: Buffer): RestPage {
  const list = readListObject(bytes, skipSpace(bytes, 0));
  if (list === undefined) throw new Error('it has no `data`, or its `object` is not "list"');
  if (skipSpace(bytes, list.end) !== bytes.length) throw new Error('something follows the list');
  if (list.hasMore === undefined) throw new Error('its `has_more` is not true or false');
  const last = list.items.at(-1);
  if (list.items.some(({ id }) => id === undefined)) throw new Error('an object in `data` has no id');
  if (list.hasMore && last === undefined) throw new Error('it has nothing in it, yet says that there is more');
  const items = list.items.map(({ start, end }) => bytes.subarray(start, end));
  return { items, next: list.hasMore ? last?.id : undefined };
}

/**
 * Takes a page apart into its items, raw: they are neither parsed nor rewritten (P9).
 *
 * @param path of the request, for the error
 * @throws ConnectorError `response_invalid` when the body is anything but a list of objects with ids
 */
export function readRestPage(body: Buffer, path: string): RestPage {
  try {
    return takeApart(toOneLine(body));
  } catch (cause) {
    const shown = JSON.stringify(body.toString('utf8', 0, 120));
    const message = `GET ${path} answered something that is not a list: ${(cause as Error).message}. It begins ${shown}.`;
    throw new ConnectorError('response_invalid', { message, cause });
  }
}
