import { z } from 'zod';
import { failureTypeSchema } from './spec.ts';
import { openTimeRangeSchema, timeRangeSchema } from './time-range.ts';

const stream = z.string().min(1);

/** How a stream goes. A stream ends with exactly one of `complete`, `error`, `skip`. */
export const streamStatusSchema = z.discriminatedUnion('status', [
  z.object({ stream, status: z.literal('start'), time_range: openTimeRangeSchema.optional() }),
  z.object({ stream, status: z.literal('running') }),
  z.object({ stream, status: z.literal('range_complete'), range_complete: timeRangeSchema }),
  z.object({ stream, status: z.literal('complete') }),
  z.object({ stream, status: z.literal('error'), error: z.string(), failure_type: failureTypeSchema.optional() }),
  z.object({ stream, status: z.literal('skip'), reason: z.string() }),
]);
export type StreamStatusPayload = z.infer<typeof streamStatusSchema>;

/** Whether this status ends its stream for the run. */
export function isTerminalStatus(payload: StreamStatusPayload): boolean {
  return payload.status === 'complete' || payload.status === 'error' || payload.status === 'skip';
}

const count = z.int().nonnegative();

/** What one committed batch changed in the destination, in rows. */
export const writeResultSchema = z.object({ stream, created: count, updated: count, deleted: count, skipped: count });
export type WriteResultPayload = z.infer<typeof writeResultSchema>;
