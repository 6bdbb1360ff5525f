import { z } from 'zod';
import { progressSchema, runStatusSchema } from './progress.ts';
import { timestampSchema } from './time-range.ts';

const count = z.int().nonnegative();

const streamStateSchema = z.object({
  state_type: z.literal('stream').default('stream'),
  stream: z.string().min(1),
  /** Opaque to everybody but the source. */
  data: z.unknown(),
  /** Records of this stream since its previous stream checkpoint on this connection. */
  record_count: count.optional(),
});
const globalStateSchema = z.object({
  state_type: z.literal('global'),
  data: z.unknown(),
  streams: z.record(z.string(), z.unknown()).optional(),
  /** Records of all streams since the previous global checkpoint on this connection. */
  record_count: count.optional(),
});

/** A checkpoint. Leaves a destination only after every record before it is committed (P1). */
export const sourceStateSchema = z.discriminatedUnion('state_type', [globalStateSchema, streamStateSchema]);
export type SourceStatePayload = z.infer<typeof sourceStateSchema>;

/** All that a source knows from earlier runs: the `--state` file of `read`. */
export const sourceStateSetSchema = z.object({
  streams: z.record(z.string(), z.unknown()).default({}),
  global: z.record(z.string(), z.unknown()).default({}),
});
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
    global: z.record(z.string(), z.unknown()).catch({}).parse(checkpoint.data),
  };
}

export const syncRunSchema = z.object({
  run_id: z.string().min(1).optional(),
  /** Frozen upper bound of the run. */
  time_ceiling: timestampSchema.optional(),
  progress: progressSchema,
});

/** What is kept between runs of a pipeline. */
export const syncStateSchema = z.object({
  source: sourceStateSetSchema,
  destination: z.record(z.string(), z.unknown()).default({}),
  sync_run: z.preprocess((value) => {
    // Written by others as `sync_run_id`; one name inside.
    if (typeof value !== 'object' || value === null || !('sync_run_id' in value)) return value;
    const { sync_run_id, ...rest } = value;
    return { run_id: sync_run_id, ...rest };
  }, syncRunSchema),
});
export type SyncState = z.infer<typeof syncStateSchema>;

/** The last message of an engine run. */
export const eofSchema = z.object({
  status: runStatusSchema,
  /** True exactly when the source was cut off before it ended by itself. */
  has_more: z.boolean(),
  reason: z.enum(['complete', 'time_limit', 'record_limit', 'aborted', 'error']).optional(),
  ending_state: syncStateSchema,
  run_progress: progressSchema,
  request_progress: progressSchema,
});
export type EofPayload = z.infer<typeof eofSchema>;
