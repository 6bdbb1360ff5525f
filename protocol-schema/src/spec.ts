import * as z from 'zod';
import { destinationSyncModeSchema, jsonSchemaSchema } from './catalog.ts';
import { jsonObjectSchema } from './json-object.ts';

/** The payload of `spec`: what a connector is and what it wants to be told. */
export const specSchema = z
  .object({
    config: jsonSchemaSchema.describe(
      'JSON Schema of the config once references to the environment are replaced and `KEY_file` (the path of a file that holds the value ' +
        'of the text KEY) stands for KEY. Secret keys carry `secret: true`.',
    ),
    source_state_stream: jsonSchemaSchema
      .optional()
      .describe('JSON Schema of the state of one stream (sources). State that does not fit is refused.'),
    source_input: jsonSchemaSchema
      .optional()
      .describe('JSON Schema of what `--source-input` may hold (sources), for example a webhook event.'),
    protocol_version: z.int().positive().describe('The version of this protocol that it speaks: 1.'),
    connector: z
      .object({
        name: z.string().min(1).describe('For example `source-stripe`.'),
        version: z.string().min(1).describe('Version of the program.'),
      })
      .optional()
      .describe('Who it is.'),
    destination_sync_modes: z.array(destinationSyncModeSchema).optional().describe('How it can write (destinations).'),
    commands: z
      .array(z.string().min(1))
      .optional()
      .describe('Which of the optional commands it has: `setup`, `teardown`. Without this field, trying tells.'),
  })
  .describe('What a connector is and what it wants to be told: the answer to `spec`.');
/** What a connector is and what it wants to be told. */
export type SpecPayload = z.infer<typeof specSchema>;

/** Who can help with a failure. */
export const failureTypeSchema = z
  .enum(['config', 'transient', 'system'])
  .describe('Who can help: `config` a person must act, `transient` try again later, `system` a defect.');

/** The payload of `connection_status`. */
export const connectionStatusSchema = z
  .object({
    status: z.enum(['succeeded', 'failed']).describe('Whether the other system can be used with this config.'),
    message: z.string().optional().describe('What failed and what to do about it; never holds a secret.'),
    failure_type: failureTypeSchema.optional(),
  })
  .describe('The answer to `check`. From `read` or `write`, `failed` ends the run.');
/** Whether the other system can be used with this config. */
export type ConnectionStatusPayload = z.infer<typeof connectionStatusSchema>;

const wholeConfigSchema = jsonObjectSchema.describe('The whole config, never a difference.');

/** A connector's resolved config: always the whole of it, never a difference. */
export const controlSchema = z
  .discriminatedUnion('control_type', [
    z.object({ control_type: z.literal('source_config'), source_config: wholeConfigSchema }),
    z.object({ control_type: z.literal('destination_config'), destination_config: wholeConfigSchema }),
  ])
  .describe('The config that a connector arrived at, to be used from now on. Secret fields are masked when printed.');
/** A connector's resolved config. */
export type ControlPayload = z.infer<typeof controlSchema>;

/** How loud a log line is. */
export const logLevelSchema = z.enum(['debug', 'info', 'warn', 'error']);
/** How loud a log line is. */
export type LogLevel = z.infer<typeof logLevelSchema>;

/** The payload of `log`. */
export const logSchema = z
  .object({
    level: logLevelSchema.describe('How loud it is.'),
    message: z.string().describe('A sentence for whoever watches the run; never holds a secret.'),
    stream: z.string().optional().describe('The stream that it is about.'),
    data: jsonObjectSchema.optional().describe('Details for programs.'),
  })
  .describe('Something to know for whoever watches the run. Passed on at once, outside any order.');
/** Something to know for whoever watches the run. */
export type LogPayload = z.infer<typeof logSchema>;
