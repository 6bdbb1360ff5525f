import { z } from 'zod';
import { timestampSchema } from './time-range.ts';

/** What `data` may hold: any JSON object. Its values are not looked at on the way (P9). */
export const recordDataSchema = z.record(z.string(), z.unknown());

export const recordSchema = z.object({
  stream: z.string().min(1),
  emitted_at: timestampSchema,
  data: recordDataSchema,
});

export type RecordPayload = z.infer<typeof recordSchema>;
