import { z } from 'zod';
import { connectionStatusSchema } from './spec.ts';
import { timeRangeSchema, timestampSchema } from './time-range.ts';

const count = z.int().nonnegative();

export const streamProgressSchema = z.object({
  status: z.enum(['not_started', 'started', 'completed', 'skipped', 'errored']),
  /** Records committed in the destination. */
  record_count: count,
  /** Checkpoints that came out of the destination. */
  state_count: count,
  request_count: count.optional(),
  /** Why it was skipped or failed. */
  message: z.string().optional(),
  /** Who can help when it failed; decides whether a continuation tries it again. */
  failure_type: z.enum(['config', 'transient', 'system']).optional(),
  total_range: timeRangeSchema.optional(),
  completed_ranges: z.array(timeRangeSchema).optional(),
  /** The stream is complete up to this time. */
  synced_through: timestampSchema.optional(),
  created_count: count.optional(),
  updated_count: count.optional(),
  deleted_count: count.optional(),
  skipped_count: count.optional(),
});
export type StreamProgress = z.infer<typeof streamProgressSchema>;

export const runStatusSchema = z.enum(['started', 'succeeded', 'failed']);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const progressSchema = z.object({
  started_at: timestampSchema,
  elapsed_ms: count,
  global_state_count: count,
  /** Only a failure is kept here. */
  connection_status: connectionStatusSchema.optional(),
  derived: z.object({
    status: runStatusSchema,
    records_per_second: z.number().nonnegative(),
    states_per_second: z.number().nonnegative(),
  }),
  streams: z.record(z.string(), streamProgressSchema),
});
export type ProgressPayload = z.infer<typeof progressSchema>;
