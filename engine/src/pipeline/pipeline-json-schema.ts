/**
 * The pipeline file as JSON Schema, for editors: draft 7, which is what the YAML language server and most others know. It
 * accepts what the engine accepts, but for rules that JSON Schema has no words for, such as that no stream stands there twice;
 * and it leaves to the engine what may come from elsewhere.
 */
import type { JsonSchema } from '@penstock/protocol';
import * as z from 'zod';
import { editorConfigSchema, referenceDefinitions, withReferences } from './editor-schema.ts';
import {
  type ConnectorChoice,
  commandChoiceSchema,
  imageChoiceSchema,
  pipelineSchema,
  pipesChoiceSchema,
  typeNameSchema,
} from './pipeline-schema.ts';
import type { Side } from './resolve-connector.ts';

/** A connector of a pipeline and the JSON Schema of its config, from its `spec`. */
export interface KnownConnector {
  readonly choice: ConnectorChoice;
  readonly schema: JsonSchema;
}

/** The connectors that a schema is for. Where a side is absent it may be anything. */
export type KnownConnectors = Readonly<Partial<Record<Side, KnownConnector>>>;

type Part = Record<string, unknown>;

/** Where a connector's own config schema is in the document. */
const configName = (side: Side): string => `${side}-config`;

/** The JSON Schema of a pipeline file; with connectors, one for files with these, their config included. Pure. */
export function pipelineJsonSchema(known: KnownConnectors = {}): JsonSchema {
  const { properties, ...whole } = convert(pipelineSchema) as { readonly properties: Record<string, Part> };
  const definitions: Record<string, unknown> = { ...referenceDefinitions };
  for (const side of ['source', 'destination'] as const) {
    const { description } = properties[side]!;
    const connector = known[side];
    if (connector === undefined) definitions.connector = anyConnector();
    else if (connector.choice.kind !== 'pipes') {
      definitions[configName(side)] = editorConfigSchema(connector.schema, `#/definitions/${configName(side)}`);
    }
    properties[side] =
      connector === undefined
        ? { description, allOf: [{ $ref: '#/definitions/connector' }] }
        : { description, ...oneConnector(side, connector) };
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    // Only what is the same for everybody has a name of its own.
    ...(Object.keys(known).length === 0 ? { $id: 'urn:penstock:pipeline' } : {}),
    title: 'Penstock pipeline file',
    ...whole,
    properties,
    definitions,
  };
}

/** The rules of time as a pattern that an error message can show. */
const TIME_PATTERN = '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|\\+00:00)$';

function convert(schema: z.ZodType): Part {
  const { $schema: _, ...converted } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== 'date-time') return;
      delete jsonSchema.allOf;
      jsonSchema.pattern = TIME_PATTERN;
    },
  });
  return withReferences(converted) as Part;
}

/** Every form that a side can have; what a type's config may hold is not known. */
function anyConnector(): Part {
  const ofType = {
    type: 'object',
    required: ['type'],
    properties: { type: convert(typeNameSchema) },
    // The config, under the name of the type.
    additionalProperties: { type: ['object', 'null'] },
    maxProperties: 2,
  };
  return { anyOf: [ofType, ...[commandChoiceSchema, imageChoiceSchema, pipesChoiceSchema].map(convert)] };
}

function oneConnector(side: Side, { choice }: KnownConnector): Part {
  // An empty key (`stripe:` and nothing below it) is null in YAML.
  const config = { anyOf: [{ $ref: `#/definitions/${configName(side)}` }, { type: 'null' }] };
  switch (choice.kind) {
    case 'type': {
      return {
        type: 'object',
        required: ['type'],
        properties: {
          type: { description: typeNameSchema.description, const: choice.type },
          ...(choice.type === 'type' ? {} : { [choice.type]: config }),
        },
        additionalProperties: false,
      };
    }
    case 'command':
    case 'image': {
      const form = convert(choice.kind === 'command' ? commandChoiceSchema : imageChoiceSchema);
      return { ...form, properties: { ...(form.properties as Part), config } };
    }
    case 'pipes':
      return convert(pipesChoiceSchema);
  }
}
