export { ConnectorError } from './connector-error.ts';
export type { ConnectorLog, LogDetail } from './connector-log.ts';
export type {
  Destination,
  DestinationContext,
  InputCheckpoint,
  InputFailure,
  InputItem,
  InputRecord,
  InputStatus,
  WriteContext,
} from './destination.ts';
export type { ReadContext, RecordBatch, Source, SourceContext, SourceOutput } from './source.ts';
