import { z } from 'zod';
import { openTimeRangeSchema } from './time-range.ts';

/** A JSON Schema document; its inside is the business of whoever reads it. */
export const jsonSchemaSchema = z.record(z.string(), z.unknown()).meta({ description: 'a JSON Schema' });
export type JsonSchema = z.infer<typeof jsonSchemaSchema>;

/** A field of a record, from the outside in: `["address", "city"]`. */
export const fieldPathSchema = z.array(z.string().min(1)).min(1);

export const streamSchema = z.object({
  name: z.string().min(1),
  primary_key: z.array(fieldPathSchema),
  json_schema: jsonSchemaSchema.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  /** The top-level field whose larger value is the newer record. Compared as ≥, null-safe. */
  newer_than_field: z.string().min(1).optional(),
  /** The top-level field that is true on a deleted record. */
  soft_delete_field: z.string().min(1).optional(),
  supports_time_range: z.boolean().optional(),
});
export type Stream = z.infer<typeof streamSchema>;

function hasUniqueNames(streams: readonly { name: string }[]): boolean {
  return new Set(streams.map((stream) => stream.name)).size === streams.length;
}

/** What a source has: the answer to `discover`. */
export const catalogSchema = z.object({
  streams: z.array(streamSchema).refine(hasUniqueNames, { message: 'stream names must be unique' }),
});
export type Catalog = z.infer<typeof catalogSchema>;

export const syncModeSchema = z.enum(['full_refresh', 'incremental']);
export type SyncMode = z.infer<typeof syncModeSchema>;

export const destinationSyncModeSchema = z.enum(['append', 'overwrite', 'append_dedup']);
export type DestinationSyncMode = z.infer<typeof destinationSyncModeSchema>;

export const systemColumnSchema = z.object({ name: z.string().min(1), type: z.string().min(1), index: z.boolean() });

export const configuredStreamSchema = z.object({
  stream: streamSchema,
  sync_mode: syncModeSchema,
  destination_sync_mode: destinationSyncModeSchema,
  cursor_field: fieldPathSchema.optional(),
  /** Top-level fields to keep; all when absent. */
  fields: z.array(z.string().min(1)).optional(),
  /** At least this many records are enough for the backfill of this stream. */
  backfill_limit: z.int().positive().optional(),
  system_columns: z.array(systemColumnSchema).optional(),
  supports_time_range: z.boolean().optional(),
  time_range: openTimeRangeSchema.optional(),
  /** New for each full refresh, the same when one goes on. */
  generation_id: z.int().nonnegative().optional(),
});
export type ConfiguredStream = z.infer<typeof configuredStreamSchema>;

/** What a run moves: the `--catalog` file of `read` and `write`. */
export const configuredCatalogSchema = z.object({
  streams: z
    .array(configuredStreamSchema)
    .refine((streams) => hasUniqueNames(streams.map((configured) => configured.stream)), {
      message: 'stream names must be unique',
    }),
});
export type ConfiguredCatalog = z.infer<typeof configuredCatalogSchema>;
