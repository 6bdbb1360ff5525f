export {
  type Catalog,
  type ConfiguredCatalog,
  type ConfiguredStream,
  catalogSchema,
  configuredCatalogSchema,
  configuredStreamSchema,
  type DestinationSyncMode,
  destinationSyncModeSchema,
  fieldPathSchema,
  type JsonSchema,
  jsonSchemaSchema,
  type Stream,
  type SyncMode,
  streamSchema,
  syncModeSchema,
  systemColumnSchema,
} from './catalog.ts';
export { chooseStreams, isOptionalStream, USUAL_STREAMS } from './choose-streams.ts';
export { keysAt, type SchemaPart, schemasAt, schemasBelow, typesAt, withBranches } from './config-schema.ts';
export {
  CodedError,
  type CodedErrorDetail,
  type ErrorCode,
  type ErrorCodeRow,
  ExitCode,
  errorCodes,
  type FailureType,
  toCodedError,
} from './error-code.ts';
export { parseExactly } from './exact-json.ts';
export { InvalidLines, showLine } from './invalid-lines.ts';
export { type JsonObject, jsonObjectSchema } from './json-object.ts';
export { INVALID_LINE_SHOWN_BYTES, INVALID_LINES_MAX, LINE_BYTES_MAX, PROTOCOL_VERSION } from './limit.ts';
export { LineSplitter, type OnLine } from './line-splitter.ts';
export {
  type CatalogMessage,
  type ConnectionStatusMessage,
  type ControlMessage,
  type DestinationMessage,
  type EngineMessage,
  type EofMessage,
  type LogMessage,
  type Message,
  type MessageKind,
  type MessageOf,
  messageKinds,
  messageSchema,
  messageSchemas,
  type ProgressMessage,
  payloadSchemas,
  type RecordMessage,
  type SourceMessage,
  type SourceStateMessage,
  type SpecMessage,
  type StreamStatusMessage,
  type WriteResultMessage,
} from './message.ts';
export { message } from './message-factory.ts';
export { isNamedPipe, type NamedPipeWait, openNamedPipe } from './named-pipe.ts';
export { nearestNames } from './nearest-names.ts';
export { describeIssues, encodeMessage, type ParsedLine, parseLine, parseMessage } from './parse-line.ts';
export {
  type ProgressPayload,
  progressSchema,
  type RunStatus,
  runStatusSchema,
  type StreamProgress,
  streamProgressSchema,
} from './progress.ts';
export { type RecordPayload, recordSchema } from './record.ts';
export {
  parseRecordLine,
  type RawRecord,
  RECORD_LINE_TAIL,
  RecordPeek,
  recordDataStart,
  recordLineHead,
} from './record-line.ts';
export { scrubLog, scrubMessage, scrubValue } from './scrub-message.ts';
export { maskSecrets, SECRET_MASK, scrubText, secretPaths, secretValues, splitSecrets } from './secret.ts';
export {
  type ConnectionStatusPayload,
  type ControlPayload,
  connectionStatusSchema,
  controlSchema,
  failureTypeSchema,
  type LogLevel,
  type LogPayload,
  logLevelSchema,
  logSchema,
  type SpecPayload,
  specSchema,
} from './spec.ts';
export {
  type EofPayload,
  emptySourceState,
  eofSchema,
  type ResolvedConfig,
  type ResolvedPart,
  reduceSourceState,
  resolvedConfigSchema,
  resolvedPartSchema,
  type SourceStatePayload,
  type SourceStateSet,
  type SyncState,
  sourceStateSchema,
  sourceStateSetSchema,
  syncRunSchema,
  syncStateSchema,
} from './state.ts';
export {
  isTerminalStatus,
  type StreamStatusPayload,
  streamStatusSchema,
  type WriteResultPayload,
  writeResultSchema,
} from './stream-status.ts';
export {
  formatTimestamp,
  intersectRanges,
  isEmptyRange,
  mergeRanges,
  type OpenTimeRange,
  openTimeRangeSchema,
  parseTimestamp,
  rangesCover,
  subtractRanges,
  type TimeRange,
  timeRangeSchema,
  timestampSchema,
} from './time-range.ts';
