export {
  type Catalog,
  type ConfiguredCatalog,
  type ConfiguredStream,
  type ControlPayload,
  type DestinationMessage,
  type DestinationSyncMode,
  type ErrorCode,
  encodeMessage,
  type FailureType,
  formatTimestamp,
  isTerminalStatus,
  message,
  type OpenTimeRange,
  parseRecordLine,
  parseTimestamp,
  type SourceMessage,
  type SourceStateMessage,
  type SourceStateSet,
  type Stream,
  type StreamStatusMessage,
  type TimeRange,
} from '@penstock/protocol';
export { BufferPool } from './buffer-pool.ts';
export { type Clock, systemClock } from './clock.ts';
export type { AnyConnector } from './connector.ts';
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
export {
  defaultRetryPolicy,
  type RetryAdvice,
  type RetryOptions,
  type RetryPolicy,
  retryDelayMs,
  withRetries,
} from './retry-delay.ts';
export { runConnector } from './run-connector.ts';
export type { ReadContext, RecordBatch, Source, SourceContext, SourceOutput } from './source.ts';
