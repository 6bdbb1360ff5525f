import * as z from 'zod';
import { jsonObjectSchema } from './json-object.ts';
import { timestampSchema } from './time-range.ts';

/** The payload of `record`: one object of a stream, as the source has it. */
export const recordSchema = z
  .object({
    stream: z.string().min(1).describe('The stream of the catalog that it belongs to.'),
    emitted_at: timestampSchema.describe('When the source put it out, in UTC.'),
    data: jsonObjectSchema.describe(
      'The object. Values are not rewritten on the way: 64-bit integers and long decimals keep every digit. ' +
        'Of a deleted object, what is known of it: at least the primary key, and the soft-delete field true.',
    ),
  })
  .describe('One object of a stream.');

/** One object of a stream, as the source has it. */
export type RecordPayload = z.infer<typeof recordSchema>;
