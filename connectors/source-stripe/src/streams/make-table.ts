import type { JsonSchema, Stream } from '@penstock/protocol';
import { eventCoverage } from './event-coverage.ts';
import { ACCOUNT_ID_FIELD, AS_OF_FIELD, PARENT_ID_FIELD } from './record-fields.ts';
import { streamRules } from './stream-rules.ts';
import type { ListEntry, StreamTable, StripeStream } from './stream-table.ts';

/** The properties of the objects of each stream, by the stream's name. */
export type StreamSchemas = Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>;

/** The path by which rules and coverage name a list: without the query that names its parent. */
export function rulePath(entry: Pick<ListEntry, 'path'>): string {
  return entry.path.split('?')[0] as string;
}

function streamOf(entry: ListEntry): StripeStream {
  const { note, product } = streamRules[rulePath(entry)] ?? {};
  const { coverage, types, deletedBy = [], neverChanges, parentIdIn } = eventCoverage[rulePath(entry)] ?? noCoverage;
  return {
    ...entry,
    queries: entry.queries ?? [''],
    events: coverage,
    eventTypes: [...types, ...deletedBy],
    deletedBy,
    ...(neverChanges === undefined ? {} : { neverChanges }),
    ...(parentIdIn === undefined ? {} : { parentIdIn }),
    ...(note === undefined ? {} : { note }),
    ...(product === undefined ? {} : { product }),
  };
}

/** Of a list that the hand-written table doesn't know: the description of another API version may have such. */
const noCoverage = {
  coverage: 'none',
  types: [],
  deletedBy: [],
  neverChanges: undefined,
  parentIdIn: undefined,
} as const;

/** The stream that holds the parents of a list under a parent; undefined for other streams. */
export function parentStream(table: Pick<StreamTable, 'streams'>, stream: StripeStream): StripeStream | undefined {
  if (stream.parent === undefined) return undefined;
  const { path } = stream.parent;
  for (const candidate of table.streams.values()) if (candidate.path === path) return candidate;
  throw new Error(`the list ${stream.path} is under ${path}, which is no stream`);
}

function describe(
  stream: StripeStream,
  parent: StripeStream | undefined,
  properties: Readonly<Record<string, JsonSchema>>,
): Stream {
  const ownFields = parent === undefined ? [ACCOUNT_ID_FIELD] : [PARENT_ID_FIELD, ACCOUNT_ID_FIELD];
  return {
    name: stream.name,
    primary_key: [['id'], ...ownFields.map((field) => [field])],
    json_schema: {
      type: 'object',
      properties: {
        ...properties,
        deleted: { type: ['boolean', 'null'] },
        ...Object.fromEntries(ownFields.map((field) => [field, { type: 'string' }])),
        [AS_OF_FIELD]: { type: 'integer', format: 'unix-time' },
      },
      required: ['id', ...ownFields, AS_OF_FIELD],
    },
    metadata: {
      path: stream.path,
      object: stream.object,
      // Read only when it is named: it may need a request an object of its parent.
      ...(parent === undefined ? {} : { optional: true, parent: parent.name }),
    },
    newer_than_field: AS_OF_FIELD,
    soft_delete_field: 'deleted',
    // Of a list under a parent it is the parents that are in the range.
    supports_time_range: (parent ?? stream).created !== null,
  };
}

/**
 * The table of a version of the API, with the hand-written rules and coverage applied.
 *
 * @param loadSchemas is called by `describe` only
 */
export function makeStreamTable(
  apiVersion: string,
  lists: readonly ListEntry[],
  loadSchemas: () => Promise<StreamSchemas>,
): StreamTable {
  const streams = new Map(
    lists.filter((entry) => entry.excluded === null).map((entry) => [entry.name, streamOf(entry)]),
  );
  return {
    apiVersion,
    lists,
    streams,
    async describe() {
      const schemas = await loadSchemas();
      return [...streams.values()].map((stream) =>
        describe(stream, parentStream({ streams }, stream), schemas[stream.name] ?? {}),
      );
    },
  };
}
