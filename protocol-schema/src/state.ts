import * as z from 'zod';
import { jsonObjectSchema } from './json-object.ts';
import { progressSchema, runStatusSchema } from './progress.ts';
import { timestampSchema } from './time-range.ts';

const count = z.int().nonnegative();

const streamStateSchema = z
  .object({
    state_type: z.literal('stream').default('stream'),
    stream: z.string().min(1).describe('The stream that it is about.'),
    data: z.unknown().describe('What the source needs to go on; opaque to everybody else.'),
    record_count: count
      .optional()
      .describe('Records of this stream since its previous stream checkpoint on this connection.'),
  })
  .describe('Covers one stream.');
const globalStateSchema = z
  .object({
    state_type: z.literal('global'),
    data: jsonObjectSchema.describe('What the source needs to go on, an object; opaque to everybody else.'),
    streams: jsonObjectSchema.optional().describe('States of streams that change with it, by name.'),
    record_count: count
      .optional()
      .describe('Records of all streams since the previous global checkpoint on this connection.'),
  })
  .describe('Covers all streams.');

/** A checkpoint. Leaves a destination only after every record before it is committed (P1). */
export const sourceStateSchema = z
  .discriminatedUnion('state_type', [globalStateSchema, streamStateSchema])
  .describe(
    'A checkpoint: everything before it need not be read again. Leaves a destination only after every record before it is committed. ' +
      'A destination that counted another number than `record_count` fails the stream: something was lost on the way.',
  );
/** A checkpoint of one stream or of all. */
export type SourceStatePayload = z.infer<typeof sourceStateSchema>;

/** All that a source knows from earlier runs: the `--state` file of `read`. */
export const sourceStateSetSchema = z
  .object({
    streams: jsonObjectSchema.default({}).describe('State of each stream by its name.'),
    global: jsonObjectSchema.default({}).describe('State that belongs to no stream.'),
  })
  .describe('All that a source knows from earlier runs: the `--state` file of `read`.');
/** All that a source knows from earlier runs. */
export type SourceStateSet = z.infer<typeof sourceStateSetSchema>;

/** The state of a source that has never run. */
export function emptySourceState(): SourceStateSet {
  return { streams: {}, global: {} };
}

/** The state after one more checkpoint. Pure; the one place that says what a checkpoint does. */
export function reduceSourceState(state: SourceStateSet, checkpoint: SourceStatePayload): SourceStateSet {
  if (checkpoint.state_type === 'stream') {
    return { ...state, streams: { ...state.streams, [checkpoint.stream]: checkpoint.data } };
  }
  return {
    streams: { ...state.streams, ...checkpoint.streams },
    global: checkpoint.data,
  };
}

/** What is kept of a run, so that it can be continued. */
export const syncRunSchema = z
  .object({
    run_id: z.string().min(1).optional().describe('Calls with the same one continue the same run.'),
    time_ceiling: timestampSchema.optional().describe('Upper bound of the run, frozen by its first call.'),
    progress: progressSchema.describe('How far the run has come.'),
  })
  .describe('What is kept of a run, so that it can be continued. `sync_run_id` is read as another name of `run_id`.');

/** What is kept of the config that one connector arrived at. Never holds a secret (P7). */
export const resolvedPartSchema = z
  .object({
    given: z
      .string()
      .min(1)
      .describe('Fingerprint of the config that it came from: it is used with that one only. A salted hash.'),
    config: jsonObjectSchema.describe('The keys that were not given, as far as they are no secrets.'),
    secret_keys: z
      .array(z.string().min(1))
      .optional()
      .describe('Dotted names of those that are secrets. Their values are kept elsewhere.'),
  })
  .describe('What is kept of the config that a connector arrived at, from its `control` messages.');
/** What is kept of the config that one connector arrived at. */
export type ResolvedPart = z.infer<typeof resolvedPartSchema>;

/** The same for both sides of a pipeline. */
export const resolvedConfigSchema = z
  .object({
    source: resolvedPartSchema.optional().describe('Of the source.'),
    destination: resolvedPartSchema.optional().describe('Of the destination.'),
  })
  .describe('What the connectors of a pipeline have found out about their configs.');
/** What the connectors of a pipeline have found out about their configs. */
export type ResolvedConfig = z.infer<typeof resolvedConfigSchema>;

/** What is kept between runs of a pipeline. */
export const syncStateSchema = z
  .object({
    source: sourceStateSetSchema.describe('What the source has said.'),
    destination: jsonObjectSchema.default({}).describe('What the destination has said.'),
    sync_run: z
      .preprocess((value) => {
        // Written by others as `sync_run_id`; one name inside.
        if (typeof value !== 'object' || value === null || !('sync_run_id' in value)) return value;
        const { sync_run_id, ...rest } = value;
        return { run_id: sync_run_id, ...rest };
      }, syncRunSchema)
      .describe('The last run.'),
    resolved_config: resolvedConfigSchema.optional(),
  })
  .describe('What is kept between runs of a pipeline.');
/** What is kept between runs of a pipeline. */
export type SyncState = z.infer<typeof syncStateSchema>;

/** The payload of `eof`, the last message of an engine run. */
export const eofSchema = z
  .object({
    status: runStatusSchema,
    has_more: z.boolean().describe('True exactly when the source was cut off before it ended by itself.'),
    reason: z.enum(['complete', 'time_limit', 'record_limit', 'aborted', 'error']).optional().describe('Why it ended.'),
    ending_state: syncStateSchema.describe('What is kept for the next run.'),
    run_progress: progressSchema.describe('The whole run, earlier calls with the same `run_id` included.'),
    request_progress: progressSchema.describe('This call only.'),
  })
  .describe('How it ended. Always the last message.');
/** How an engine run ended. */
export type EofPayload = z.infer<typeof eofSchema>;
