import * as z from 'zod';
import { failureTypeSchema } from './spec.ts';
import { openTimeRangeSchema, timeRangeSchema } from './time-range.ts';

const stream = z.string().min(1).describe('The stream that it is about.');

/** How a stream goes. A stream ends with exactly one of `complete`, `error`, `skip`. */
export const streamStatusSchema = z
  .discriminatedUnion('status', [
    z
      .object({
        stream,
        status: z.literal('start'),
        time_range: openTimeRangeSchema.optional().describe('What is going to be read.'),
      })
      .describe('The source begins with the stream.'),
    z.object({ stream, status: z.literal('running') }).describe('Optional, without a meaning of its own.'),
    z
      .object({
        stream,
        status: z.literal('range_complete'),
        range_complete: timeRangeSchema.describe('The range that is complete.'),
      })
      .describe('Everything in this range was read. For progress only; the state says where to go on.'),
    z.object({ stream, status: z.literal('complete') }).describe('Everything was read.'),
    z
      .object({
        stream,
        status: z.literal('error'),
        error: z.string().describe('What failed and what to do about it; never holds a secret.'),
        failure_type: failureTypeSchema.optional(),
      })
      .describe('The stream failed; the others go on.'),
    z
      .object({ stream, status: z.literal('skip'), reason: z.string().describe('Why, and how to get access.') })
      .describe('The stream can not be read with these credentials or this account.'),
  ])
  .describe('How a stream goes. A stream ends with exactly one of `complete`, `error`, `skip`.');
/** How a stream goes. */
export type StreamStatusPayload = z.infer<typeof streamStatusSchema>;

/** Whether this status ends its stream for the run. */
export function isTerminalStatus(payload: StreamStatusPayload): boolean {
  return payload.status === 'complete' || payload.status === 'error' || payload.status === 'skip';
}

const rowCount = z.int().nonnegative();

/** What one committed batch changed in the destination, in rows. */
export const writeResultSchema = z
  .object({
    stream,
    created: rowCount.describe('Rows that are new.'),
    updated: rowCount.describe('Rows that changed.'),
    deleted: rowCount.describe('Rows that were marked as deleted or removed.'),
    skipped: rowCount.describe('Records that changed nothing: equal, or older than what is stored.'),
  })
  .describe('What one committed batch changed, put out before the checkpoints that it covers.');
/** What one committed batch changed in the destination, in rows. */
export type WriteResultPayload = z.infer<typeof writeResultSchema>;
