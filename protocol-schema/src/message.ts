import * as z from 'zod';
import { catalogSchema } from './catalog.ts';
import { progressSchema } from './progress.ts';
import { recordSchema } from './record.ts';
import { connectionStatusSchema, controlSchema, logSchema, specSchema } from './spec.ts';
import { eofSchema, sourceStateSchema } from './state.ts';
import { streamStatusSchema, writeResultSchema } from './stream-status.ts';
import { timestampSchema } from './time-range.ts';

/** The payload of each kind of message. The key is the kind and the name of the payload field. */
export const payloadSchemas = {
  record: recordSchema,
  source_state: sourceStateSchema,
  stream_status: streamStatusSchema,
  write_result: writeResultSchema,
  log: logSchema,
  spec: specSchema,
  connection_status: connectionStatusSchema,
  catalog: catalogSchema,
  control: controlSchema,
  progress: progressSchema,
  eof: eofSchema,
  source_input: z
    .unknown()
    .describe(
      "Any JSON that the source's spec describes, for example a webhook event. Given to a source, never put out.",
    ),
} as const;

/** A kind of message: the value of `type`. */
export type MessageKind = keyof typeof payloadSchemas;

function envelope<Kind extends MessageKind>(kind: Kind) {
  const payload = { [kind]: payloadSchemas[kind] } as { [K in Kind]: (typeof payloadSchemas)[K] };
  return z.object({
    type: z.literal(kind),
    ...payload,
    _emitted_by: z
      .string()
      .optional()
      .describe('Who said it: `source/stripe`, `destination/postgres`, `engine`. Added by the engine only.'),
    _ts: timestampSchema.optional().describe('When the engine saw it. Added by the engine only.'),
    _pipeline: z.string().optional().describe('The name of the pipeline. Added by the engine only.'),
    _run_id: z.string().optional().describe('The run that it belongs to, where it is known. Added by the engine only.'),
  });
}

/** One schema for each kind of message, the whole line. Fields that they don't know are left out of the result. */
export const messageSchemas = {
  record: envelope('record'),
  source_state: envelope('source_state'),
  stream_status: envelope('stream_status'),
  write_result: envelope('write_result'),
  log: envelope('log'),
  spec: envelope('spec'),
  connection_status: envelope('connection_status'),
  catalog: envelope('catalog'),
  control: envelope('control'),
  progress: envelope('progress'),
  eof: envelope('eof'),
  source_input: envelope('source_input'),
} as const;

/** Any line of the protocol. */
export const messageSchema = z.discriminatedUnion('type', [
  messageSchemas.record,
  messageSchemas.source_state,
  messageSchemas.stream_status,
  messageSchemas.write_result,
  messageSchemas.log,
  messageSchemas.spec,
  messageSchemas.connection_status,
  messageSchemas.catalog,
  messageSchemas.control,
  messageSchemas.progress,
  messageSchemas.eof,
  messageSchemas.source_input,
]);

/** A message of one kind, or any of several. */
export type MessageOf<Kind extends MessageKind> = Kind extends MessageKind
  ? z.infer<(typeof messageSchemas)[Kind]>
  : never;

/** Any message. */
export type Message = MessageOf<MessageKind>;
/** One object of a stream. */
export type RecordMessage = MessageOf<'record'>;
/** A checkpoint. */
export type SourceStateMessage = MessageOf<'source_state'>;
/** How a stream goes. */
export type StreamStatusMessage = MessageOf<'stream_status'>;
/** What one committed batch changed. */
export type WriteResultMessage = MessageOf<'write_result'>;
/** Something to know for whoever watches. */
export type LogMessage = MessageOf<'log'>;
/** The answer to `spec`. */
export type SpecMessage = MessageOf<'spec'>;
/** The answer to `check`. */
export type ConnectionStatusMessage = MessageOf<'connection_status'>;
/** The answer to `discover`. */
export type CatalogMessage = MessageOf<'catalog'>;
/** A connector's whole config. */
export type ControlMessage = MessageOf<'control'>;
/** How the run stands. */
export type ProgressMessage = MessageOf<'progress'>;
/** How the run ended. */
export type EofMessage = MessageOf<'eof'>;

/** What `read` may put out. */
export type SourceMessage = MessageOf<
  'record' | 'source_state' | 'stream_status' | 'log' | 'control' | 'connection_status'
>;
/** What `write` may put out: everything but records. */
export type DestinationMessage = MessageOf<
  'source_state' | 'stream_status' | 'write_result' | 'log' | 'control' | 'connection_status'
>;
/** What the engine prints. */
export type EngineMessage = DestinationMessage | MessageOf<'catalog' | 'progress' | 'eof'>;

/** All kinds, in the order of the table. */
export const messageKinds = Object.keys(payloadSchemas) as MessageKind[];
