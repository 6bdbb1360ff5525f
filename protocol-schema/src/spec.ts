import { z } from 'zod';
import { destinationSyncModeSchema, jsonSchemaSchema } from './catalog.ts';

export const specSchema = z.object({
  /** What the config file may hold. Secret keys carry `secret: true`. */
  config: jsonSchemaSchema,
  /** What the state of one stream looks like (sources). */
  source_state_stream: jsonSchemaSchema.optional(),
  /** What `--source-input` may hold (sources), for example a webhook event. */
  source_input: jsonSchemaSchema.optional(),
  protocol_version: z.int().positive(),
  connector: z.object({ name: z.string().min(1), version: z.string().min(1) }).optional(),
  destination_sync_modes: z.array(destinationSyncModeSchema).optional(),
});
export type SpecPayload = z.infer<typeof specSchema>;

export const failureTypeSchema = z.enum(['config', 'transient', 'system']);

export const connectionStatusSchema = z.object({
  status: z.enum(['succeeded', 'failed']),
  message: z.string().optional(),
  failure_type: failureTypeSchema.optional(),
});
export type ConnectionStatusPayload = z.infer<typeof connectionStatusSchema>;

const wholeConfigSchema = z.record(z.string(), z.unknown());

/** A connector's resolved config: always the whole of it, never a difference. */
export const controlSchema = z.discriminatedUnion('control_type', [
  z.object({ control_type: z.literal('source_config'), source_config: wholeConfigSchema }),
  z.object({ control_type: z.literal('destination_config'), destination_config: wholeConfigSchema }),
]);
export type ControlPayload = z.infer<typeof controlSchema>;

export const logLevelSchema = z.enum(['debug', 'info', 'warn', 'error']);
export type LogLevel = z.infer<typeof logLevelSchema>;

export const logSchema = z.object({
  level: logLevelSchema,
  message: z.string(),
  stream: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
export type LogPayload = z.infer<typeof logSchema>;
