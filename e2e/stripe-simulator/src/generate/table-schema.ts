import * as z from 'zod';
import type { Endpoint, Resource } from '../endpoint-table.ts';

/**
 * What the generated files are to look like. Checked when they are written and by a test, not whenever a simulator starts:
 * that took longer than all else that it does until it listens.
 */
const parameterSchema = z.strictObject({
  required: z.literal(true).optional(),
  values: z.array(z.string()).optional(),
});

/** Of `endpoints.json`. */
export const endpointsSchema = z.array(
  z.strictObject({
    path: z.string(),
    object: z.string(),
    origin: z.enum(['package', 'description', 'both']),
    params: z.record(z.string(), parameterSchema),
  }) satisfies z.ZodType<Omit<Endpoint, 'version' | 'parent'>>,
);

/** Of `resources.json`. */
export const resourcesSchema = z.record(
  z.string(),
  z.strictObject({
    example: z.record(z.string(), z.json()),
    fields: z.array(z.string()),
    timestamps: z.array(z.string()),
    references: z.record(z.string(), z.string()),
    nullable: z.array(z.string()),
    enums: z.record(z.string(), z.array(z.string())),
    events: z.strictObject({ created: z.string(), updated: z.string(), deleted: z.string() }).partial().optional(),
  }) satisfies z.ZodType<Resource>,
);
