import type { JsonSchema, Stream } from '@penstock/protocol';
import generated from './generated/streams.json' with { type: 'json' };
import { type StreamRule, streamRules } from './stream-rules.ts';

/** How a list is paged: by the id of the last object, by a page token, or not at all. */
export type Paging = 'starting_after' | 'page' | 'none';

/** Where a list under a parent hangs. */
export interface ParentList {
  /** Path of the list that holds the parents, e.g. `/v1/invoices`. */
  readonly path: string;
  /** The parent's property that holds the first page of this list, e.g. `lines`; null where it shows none. */
  readonly embedded: string | null;
}

/** A property of an object that is itself a list, of which Stripe shows the first page only. */
export interface EmbeddedList {
  readonly property: string;
  /** Where the rest is, with `{id}` for the id of the object: `/v1/invoices/{id}/lines`. */
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
  /** With `{name}` for an id: then it is a list under a parent. */
  readonly path: string;
  /** Stripe's name for the objects in it, e.g. `checkout.session`. */
  readonly object: string;
  /** The API's version: lists of the second one have page tokens and their own limit. */
  readonly version: 1 | 2;
  /** The property that the `created` filter compares, in seconds since 1970; null where there is no such filter. */
  readonly created: string | null;
  /** Objects a page, at most; null where it can't be asked for. */
  readonly limit: number | null;
  readonly paging: Paging;
  /** Absent for a list that stands on its own. With one, `path` holds `{id}`, the id of the parent. */
  readonly parent?: ParentList;
  /** Absent where objects hold no lists. */
  readonly embeddedLists?: readonly EmbeddedList[];
  /** Why this list is not read; null for a stream. */
  readonly excluded: string | null;
}

/** A list that is read. */
export interface StripeStream extends ListEntry, Omit<StreamRule, 'queries' | 'excluded'> {
  readonly events: EventCoverage;
  /** At least one; `''` where the plain list has everything. */
  readonly queries: readonly string[];
}

/** The version of Stripe's API that the table is of, sent with each request unless the config names another. */
export const DEFAULT_API_VERSION: string = generated.api_version;

/** Every list of the API, those that are not read as well. */
export const lists = generated.lists as readonly ListEntry[];

/** All streams by name, in the order of their paths. */
export const streams: ReadonlyMap<string, StripeStream> = new Map(
  lists
    .filter((entry) => entry.excluded === null)
    .map((entry) => [
      entry.name,
      { ...entry, queries: [''], events: 'none', ...streamRules[entry.path] } as StripeStream,
    ]),
);

/** All that is known of the lists of one version of Stripe's API. */
export interface StreamTable {
  readonly apiVersion: string;
  /** Every list, those that are not read as well. */
  readonly lists: readonly ListEntry[];
  /** By name, in the order of their paths. */
  readonly streams: ReadonlyMap<string, StripeStream>;
  /** The catalog's entry of each stream. */
  describe(): Promise<Stream[]>;
}

/** What the records carry beside the object: whose it is, and a second for which its content is surely true. */
export const ACCOUNT_ID_FIELD = '_account_id';
/** See {@link ACCOUNT_ID_FIELD}. */
export const AS_OF_FIELD = '_as_of';

/** The catalog's entry of each stream. The schemas are large and only `discover` needs them, so they are loaded here. */
export async function describeStreams(): Promise<Stream[]> {
  const { default: schemas } = await import('./generated/schemas.json', { with: { type: 'json' } });
  const properties = schemas as unknown as Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;
  return [...streams.values()].map((stream) => ({
    name: stream.name,
    primary_key: [['id'], [ACCOUNT_ID_FIELD]],
    json_schema: {
      type: 'object',
      properties: {
        ...properties[stream.name],
        deleted: { type: ['boolean', 'null'] },
        [ACCOUNT_ID_FIELD]: { type: 'string' },
        [AS_OF_FIELD]: { type: 'integer', format: 'unix-time' },
      },
      required: ['id', ACCOUNT_ID_FIELD, AS_OF_FIELD],
    },
    metadata: { path: stream.path, object: stream.object },
    newer_than_field: AS_OF_FIELD,
    soft_delete_field: 'deleted',
    supports_time_range: stream.created !== null,
  }));
}
