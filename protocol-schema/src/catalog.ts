import * as z from 'zod';
import { jsonObjectSchema } from './json-object.ts';
import { openTimeRangeSchema } from './time-range.ts';

/** A JSON Schema document; its inside is the business of whoever reads it. */
export const jsonSchemaSchema = jsonObjectSchema.describe('A JSON Schema.');
/** A JSON Schema document. */
export type JsonSchema = z.infer<typeof jsonSchemaSchema>;

/** A field of a record, from the outside in: `["address", "city"]`. */
export const fieldPathSchema = z
  .array(z.string().min(1))
  .min(1)
  .describe('A field of a record, from the outside in: `["address", "city"]`.');

/** One stream as the source describes it. */
export const streamSchema = z
  .object({
    name: z.string().min(1).describe('Its name, unique in the catalog.'),
    primary_key: z.array(fieldPathSchema).describe('The fields that together identify a record; empty when none do.'),
    json_schema: jsonSchemaSchema.optional().describe('JSON Schema of `record.data`.'),
    metadata: jsonObjectSchema.optional().describe('Whatever else the source says about it.'),
    newer_than_field: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Top-level field whose larger value is the newer record. Compared as ≥, null-safe: of equal versions the later arrival wins.',
      ),
    soft_delete_field: z.string().min(1).optional().describe('Top-level field that is true on a deleted record.'),
    supports_time_range: z.boolean().optional().describe('Whether it can be read for a range of time only.'),
  })
  .describe('A stream as its source describes it.');
/** One stream as the source describes it. */
export type Stream = z.infer<typeof streamSchema>;

function hasUniqueNames(streams: readonly { name: string }[]): boolean {
  return new Set(streams.map((stream) => stream.name)).size === streams.length;
}

/** What a source has: the answer to `discover`. */
export const catalogSchema = z
  .object({
    streams: z
      .array(streamSchema)
      .refine(hasUniqueNames, { message: 'stream names must be unique' })
      .describe('All streams; names are unique.'),
  })
  .describe('What a source has: the answer to `discover`.');
/** What a source has. */
export type Catalog = z.infer<typeof catalogSchema>;

/** How the source reads a stream. */
export const syncModeSchema = z.enum(['full_refresh', 'incremental']);
/** How the source reads a stream: everything again, or what changed since its state. */
export type SyncMode = z.infer<typeof syncModeSchema>;

/** How the destination writes a stream. */
export const destinationSyncModeSchema = z.enum(['append', 'overwrite', 'append_dedup']);
/** How the destination writes: add rows, replace all rows at the end, or upsert by primary key. */
export type DestinationSyncMode = z.infer<typeof destinationSyncModeSchema>;

/** A column that the destination adds to those of the stream. */
export const systemColumnSchema = z
  .object({
    name: z.string().min(1).describe('Name of the column.'),
    type: z.string().min(1).describe('Its type, in the words of the destination.'),
    index: z.boolean().describe('Whether it gets an index.'),
  })
  .describe('A column that the destination adds to those of the stream.');

/** One stream of a run: what it is, and how it is to be read and written. */
export const configuredStreamSchema = z
  .object({
    stream: streamSchema.describe('The stream, as `discover` printed it.'),
    sync_mode: syncModeSchema.describe('Read everything again, or what changed since the saved state.'),
    destination_sync_mode: destinationSyncModeSchema.describe(
      'Add rows (`append`), replace all rows when the stream is complete (`overwrite`), or upsert by primary key (`append_dedup`).',
    ),
    cursor_field: fieldPathSchema.optional().describe('The field by which the source reads on, where it can choose.'),
    fields: z.array(z.string().min(1)).optional().describe('Top-level fields to keep; all when absent.'),
    backfill_limit: z.int().positive().optional().describe('The backfill may stop once it has this many records.'),
    system_columns: z.array(systemColumnSchema).optional().describe('Columns that the destination adds.'),
    supports_time_range: z.boolean().optional().describe('Overrides what the stream says of itself.'),
    time_range: openTimeRangeSchema.optional().describe('Only records created in this range; a bound may be open.'),
    generation_id: z
      .int()
      .nonnegative()
      .optional()
      .describe(
        'New for each full refresh and the same when one goes on; `overwrite` removes rows of older generations when the stream completes.',
      ),
  })
  .describe('A stream of a run, and how it is read and written.');
/** One stream of a run. */
export type ConfiguredStream = z.infer<typeof configuredStreamSchema>;

/** What a run moves: the `--catalog` file of `read` and `write`. */
export const configuredCatalogSchema = z
  .object({
    streams: z
      .array(configuredStreamSchema)
      .refine((streams) => hasUniqueNames(streams.map((configured) => configured.stream)), {
        message: 'stream names must be unique',
      })
      .describe('The streams of the run; names are unique.'),
  })
  .describe('What a run moves: the `--catalog` file of `read` and `write`.');
/** What a run moves. */
export type ConfiguredCatalog = z.infer<typeof configuredCatalogSchema>;
