import * as z from 'zod';
import { connectionStatusSchema, failureTypeSchema } from './spec.ts';
import { timeRangeSchema, timestampSchema } from './time-range.ts';

const count = z.int().nonnegative();

/** How one stream of a run stands. */
export const streamProgressSchema = z
  .object({
    status: z
      .enum(['not_started', 'started', 'completed', 'skipped', 'errored'])
      .describe('The last three are final within a run.'),
    record_count: count.describe('Records committed in the destination.'),
    state_count: count.describe('Checkpoints that came out of the destination.'),
    request_count: count.optional().describe('Requests that the source made for it.'),
    message: z.string().optional().describe('Why it was skipped or failed.'),
    failure_type: failureTypeSchema
      .optional()
      .describe('Who can help when it failed; a continuation tries `transient` ones again.'),
    total_range: timeRangeSchema.optional().describe('What is to be read.'),
    completed_ranges: z.array(timeRangeSchema).optional().describe('What was read of it, as few ranges as possible.'),
    synced_through: timestampSchema
      .optional()
      .describe('The stream is complete up to this time, updates and deletes included where the source can know them.'),
    created_count: count.optional().describe('Rows created.'),
    updated_count: count.optional().describe('Rows updated.'),
    deleted_count: count.optional().describe('Rows marked as deleted or removed.'),
    skipped_count: count.optional().describe('Records that changed nothing.'),
  })
  .describe('How one stream of a run stands.');
/** How one stream of a run stands. */
export type StreamProgress = z.infer<typeof streamProgressSchema>;

/** How a run stands as a whole. */
export const runStatusSchema = z
  .enum(['started', 'succeeded', 'failed'])
  .describe(
    '`failed`: the connection failed, or a stream did and none is active any more. `succeeded`: all are completed or skipped.',
  );
/** How a run stands as a whole. */
export type RunStatus = z.infer<typeof runStatusSchema>;

/** The payload of `progress`: each one replaces the one before. */
export const progressSchema = z
  .object({
    started_at: timestampSchema.describe('When the run began.'),
    elapsed_ms: count.describe('Milliseconds since then.'),
    global_state_count: count.describe('Global checkpoints that came out of the destination.'),
    connection_status: connectionStatusSchema.optional().describe('Only a failure is kept here.'),
    derived: z
      .object({
        status: runStatusSchema,
        records_per_second: z.number().nonnegative().describe('0 while no time has passed.'),
        states_per_second: z.number().nonnegative().describe('0 while no time has passed.'),
      })
      .describe('What follows from the rest.'),
    streams: z.record(z.string(), streamProgressSchema).describe('Each stream by its name.'),
  })
  .describe('How the run stands. Each one replaces the one before; at most four a second unless a status changes.');
/** How a run stands. */
export type ProgressPayload = z.infer<typeof progressSchema>;
