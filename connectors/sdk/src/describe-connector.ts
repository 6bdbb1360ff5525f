import { type JsonSchema, PROTOCOL_VERSION, type SpecPayload } from '@penstock/protocol';
import * as z from 'zod';
import { configJsonSchema } from './config-file.ts';
import { type AnyConnector, isSource } from './connector.ts';

/** What `spec` says of a connector. */
export function describeConnector(connector: AnyConnector): SpecPayload {
  const { name, version } = connector;
  const common = {
    config: configJsonSchema(connector.config),
    protocol_version: PROTOCOL_VERSION,
    connector: { name, version },
    commands: (['setup', 'teardown'] as const).filter((command) => connector[command] !== undefined),
  };
  if (!isSource(connector)) return { ...common, destination_sync_modes: [...connector.syncModes] };
  const asJsonSchema = (schema: z.ZodType): JsonSchema =>
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return {
    ...common,
    ...(connector.streamState === undefined ? {} : { source_state_stream: asJsonSchema(connector.streamState) }),
    ...(connector.sourceInput === undefined ? {} : { source_input: asJsonSchema(connector.sourceInput) }),
  };
}
