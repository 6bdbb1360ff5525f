import * as z from 'zod';

/** A JSON object; its values are whatever JSON can hold. */
export type JsonObject = Record<string, unknown>;

/**
 * A JSON object that is passed on and not looked into: the value itself, not a copy, since a copy of a large one costs
 * time, and zod's leaves out a key named `__proto__` (P9).
 */
export const jsonObjectSchema: z.ZodType<JsonObject, JsonObject> = z
  .unknown()
  .refine((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    message: 'Invalid input: expected an object',
  })
  .meta({ type: 'object' }) as z.ZodType<unknown> as z.ZodType<JsonObject, JsonObject>;
