/**
 * JSON Schema documents (draft 2020-12) of everything on the wire, made from the zod schemas. They accept what the zod
 * schemas accept, but for rules that JSON Schema has no words for: unique names, and `gte` not after `lt`.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { $ZodRegistry } from 'zod/v4/core';
import { catalogSchema, configuredCatalogSchema, configuredStreamSchema, streamSchema } from './catalog.ts';
import { type MessageKind, messageKinds, messageSchema, messageSchemas } from './message.ts';
import { progressSchema, streamProgressSchema } from './progress.ts';
import { connectionStatusSchema, failureTypeSchema } from './spec.ts';
import {
  resolvedConfigSchema,
  resolvedPartSchema,
  sourceStateSetSchema,
  syncRunSchema,
  syncStateSchema,
} from './state.ts';
import { openTimeRangeSchema, timeRangeSchema } from './time-range.ts';

/** A node of a generated document. */
export interface JsonSchemaNode {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchemaNode>>;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchemaNode;
  readonly additionalProperties?: JsonSchemaNode | boolean;
  readonly oneOf?: readonly JsonSchemaNode[];
}

/** A shape with a name of its own: `$defs` in the documents, a section in the reference page. */
const sharedShapes: Readonly<Record<string, z.ZodType>> = {
  TimeRange: timeRangeSchema,
  OpenTimeRange: openTimeRangeSchema,
  FailureType: failureTypeSchema,
  Stream: streamSchema,
  ConfiguredStream: configuredStreamSchema,
  ConnectionStatus: connectionStatusSchema,
  StreamProgress: streamProgressSchema,
  Progress: progressSchema,
  SourceStateSet: sourceStateSetSchema,
  SyncRun: syncRunSchema,
  ResolvedPart: resolvedPartSchema,
  ResolvedConfig: resolvedConfigSchema,
  SyncState: syncStateSchema,
};

/** Documents besides those of the messages. */
const otherDocuments: Readonly<Record<string, { title: string; schema: z.ZodType }>> = {
  message: { title: 'Any line of the protocol', schema: messageSchema },
  stream: { title: 'Stream', schema: streamSchema },
  catalog: { title: 'Catalog', schema: catalogSchema },
  'configured-catalog': { title: 'Configured catalog, the --catalog file', schema: configuredCatalogSchema },
  'source-state-set': { title: 'Source state, the --state file', schema: sourceStateSetSchema },
  'sync-state': { title: 'What is kept between runs', schema: syncStateSchema },
};

/** Name of the document of one kind of message, without `.json`. */
export function messageDocumentName(kind: MessageKind): string {
  return `${kind.replaceAll('_', '-')}-message`;
}

/** Ids for the shared shapes, kept out of zod's global registry: connectors that use a shape in a schema of their own would find a `$ref` in it. */
class NamedShapes extends $ZodRegistry<z.core.GlobalMeta> {
  readonly #ids = new Map<z.core.$ZodType, string>(Object.entries(sharedShapes).map(([id, schema]) => [schema, id]));
  // biome-ignore lint/suspicious/noExplicitAny: the signature that is overridden says `any`.
  override get<S extends z.core.$ZodType>(schema: S): any {
    const id = this.#ids.get(schema);
    return { ...z.globalRegistry.get(schema), ...(id === undefined ? {} : { id }) };
  }
}

function convert(schema: z.ZodType): JsonSchemaNode {
  const withIds = z.toJSONSchema(schema, { io: 'input', metadata: new NamedShapes() });
  // The ids have done their work in the names of `$defs`; `id` itself means nothing in this draft.
  return JSON.parse(
    JSON.stringify(withIds, (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value)),
  );
}

/** Every document by its name without `.json`, in the order in which they are listed. */
export function jsonSchemaDocuments(): Map<string, JsonSchemaNode> {
  const documents = new Map<string, JsonSchemaNode>();
  const add = (name: string, title: string, schema: z.ZodType): void => {
    const { $schema, ...rest } = convert(schema) as JsonSchemaNode & { $schema?: string };
    documents.set(name, { $schema, $id: `urn:penstock:protocol:1:${name}`, title, ...rest } as JsonSchemaNode);
  };
  for (const kind of messageKinds) add(messageDocumentName(kind), `Message: ${kind}`, messageSchemas[kind]);
  for (const [name, { title, schema }] of Object.entries(otherDocuments)) add(name, title, schema);
  return documents;
}

/** The shared shapes as JSON Schema, by name. */
export function sharedShapeSchemas(): Map<string, JsonSchemaNode> {
  return new Map(Object.entries(sharedShapes).map(([name, schema]) => [name, convert(schema)]));
}

/** Keywords that say something to people only. */
const annotations = new Set(['$schema', '$id', 'title', 'description']);
/** Keywords whose keys are names, not keywords. */
const nameMaps = new Set(['properties', '$defs']);

/** A value with its keys in order and, where keys are keywords of JSON Schema, without what is for people only. */
function canonical(value: unknown, keysAreNames: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => canonical(item, false));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => keysAreNames || !annotations.has(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner, !keysAreNames && nameMaps.has(key))]),
  );
}

/** Fingerprint of the wire format: changes when a document accepts something else, not when a description is reworded. */
export function wireFormatHash(documents: ReadonlyMap<string, JsonSchemaNode> = jsonSchemaDocuments()): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(Object.fromEntries(documents), true)))
    .digest('hex');
}
