import type { JsonSchema, Stream } from '@penstock/protocol';
import generated from './generated/streams.json' with { type: 'json' };
import { makeStreamTable } from './make-table.ts';
import type { StreamRule } from './stream-rules.ts';

export { ACCOUNT_ID_FIELD, AS_OF_FIELD, PARENT_ID_FIELD } from './record-fields.ts';

/** How a list is paged: by the id of the last object, by a page token, or not at all. */
export type Paging = 'starting_after' | 'page' | 'none';

/** Where a list under a parent hangs. */
export interface ParentList {
  /** Path of the list that holds the parents, e.g. `/v1/invoices`. */
  readonly path: string;
  /**
   * The parent's property that holds the first page of this list, e.g. `lines`; null where it shows none. Some show it
   * only when asked: an object without the property says nothing about the list.
   */
  readonly embedded: string | null;
}

/** A property of an object that is itself a list, of which Stripe shows the first page only. */
export interface EmbeddedList {
  readonly property: string;
  /** Where the rest is, with `{id}` for the id of the object: `/v1/invoices/{id}/lines`, `/v1/refunds?charge={id}`. */
  readonly path: string;
}

/**
 * What `/v1/events` tells of the objects of a list: `all` creations, changes and deletions; `some` of them, so that the
 * list has to be read as well; or `none`.
 */
export type EventCoverage = 'all' | 'some' | 'none';

/** One list of Stripe's API, as the generator writes it down. */
export interface ListEntry {
  readonly name: string;
  /** With `{id}` for the id of its parent, in the path or in the query: then it is a list under a parent. */
  readonly path: string;
  /** Stripe's name for the objects in it, e.g. `checkout.session`. */
  readonly object: string;
  /** The API's version: lists of the second one have page tokens and their own limit. */
  readonly version: 1 | 2;
  /**
   * The property that the `created` filter compares, in seconds since 1970; null where there is no such filter, and for a
   * list under a parent, which is always read whole.
   */
  readonly created: string | null;
  /** Objects a page, at most; null where it can't be asked for. */
  readonly limit: number | null;
  readonly paging: Paging;
  /** Query strings which together list every object. Absent where the plain list has everything. */
  readonly queries?: readonly string[];
  /** Absent for a list that stands on its own. With one, `path` holds `{id}`, the id of the parent. */
  readonly parent?: ParentList;
  /** Absent where objects hold no lists. */
  readonly embeddedLists?: readonly EmbeddedList[];
  /** Why this list is not read; null for a stream. */
  readonly excluded: string | null;
}

/** A list that is read. */
export interface StripeStream extends ListEntry, Pick<StreamRule, 'note' | 'product'> {
  readonly events: EventCoverage;
  /**
   * The types of events that carry an object of this list. An event of another type may carry an object of the same kind
   * and still tell nothing: the invoice of `invoice.upcoming` doesn't exist.
   */
  readonly eventTypes: readonly string[];
  /** Those of `eventTypes` after which the object is gone, or no longer in the list. */
  readonly deletedBy: readonly string[];
  /** Objects are never different from what they were when they were made, nor deleted: none has to be read twice. */
  readonly neverChanges?: boolean;
  /**
   * For a list under a parent whose objects come in events: the property that holds the parent's id. An object without
   * one is in no such list: a payment method that belongs to no customer.
   */
  readonly parentIdIn?: string;
  /** At least one; `''` where the plain list has everything. */
  readonly queries: readonly string[];
}

/** All that is known of the lists of one version of Stripe's API. */
export interface StreamTable {
  readonly apiVersion: string;
  /** Every list, those that are not read as well. */
  readonly lists: readonly ListEntry[];
  /** By name, in the order of their paths; those under a parent among them. */
  readonly streams: ReadonlyMap<string, StripeStream>;
  /** The catalog's entry of each stream. */
  describe(): Promise<Stream[]>;
}

/** The version of Stripe's API that the table is of, sent with each request unless the config names another. */
export const DEFAULT_API_VERSION: string = generated.api_version;

/** The table of {@link DEFAULT_API_VERSION}. */
export const builtInTable: StreamTable = makeStreamTable(
  DEFAULT_API_VERSION,
  generated.lists as readonly ListEntry[],
  // The schemas are large and only `discover` needs them.
  async () => {
    const { default: schemas } = await import('./generated/schemas.json', { with: { type: 'json' } });
    return schemas as unknown as Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
  },
);

/** Every list of the built-in table, those that are not read as well. */
export const lists = builtInTable.lists;

/** The streams of the built-in table that stand on their own, by name, in the order of their paths. */
export const streams: ReadonlyMap<string, StripeStream> = new Map(
  [...builtInTable.streams].filter(([, stream]) => stream.parent === undefined),
);

/** The catalog's entry of each of {@link streams}. */
export async function describeStreams(): Promise<Stream[]> {
  return (await builtInTable.describe()).filter((stream) => streams.has(stream.name));
}
