import type { Catalog } from './catalog.ts';
import type {
  CatalogMessage,
  ConnectionStatusMessage,
  ControlMessage,
  EofMessage,
  LogMessage,
  ProgressMessage,
  RecordMessage,
  SourceStateMessage,
  SpecMessage,
  StreamStatusMessage,
  WriteResultMessage,
} from './message.ts';
import type { ProgressPayload } from './progress.ts';
import type { RecordPayload } from './record.ts';
import type { ConnectionStatusPayload, ControlPayload, LogPayload, SpecPayload } from './spec.ts';
import type { EofPayload, SourceStatePayload } from './state.ts';
import type { StreamStatusPayload, WriteResultPayload } from './stream-status.ts';

/**
 * Builds messages from their payloads. The key order is the one that {@link encodeMessage} puts on the wire: kind first,
 * and within a record `stream`, `emitted_at`, `data`, so that a reader can tell both from the first bytes.
 */
export const message = {
  record: ({ stream, emitted_at, data }: RecordPayload): RecordMessage => ({
    type: 'record',
    record: { stream, emitted_at, data },
  }),
  sourceState: (payload: SourceStatePayload): SourceStateMessage => ({ type: 'source_state', source_state: payload }),
  streamStatus: (payload: StreamStatusPayload): StreamStatusMessage => ({
    type: 'stream_status',
    stream_status: payload,
  }),
  writeResult: (payload: WriteResultPayload): WriteResultMessage => ({ type: 'write_result', write_result: payload }),
  log: (payload: LogPayload): LogMessage => ({ type: 'log', log: payload }),
  spec: (payload: SpecPayload): SpecMessage => ({ type: 'spec', spec: payload }),
  connectionStatus: (payload: ConnectionStatusPayload): ConnectionStatusMessage => ({
    type: 'connection_status',
    connection_status: payload,
  }),
  catalog: (payload: Catalog): CatalogMessage => ({ type: 'catalog', catalog: payload }),
  control: (payload: ControlPayload): ControlMessage => ({ type: 'control', control: payload }),
  progress: (payload: ProgressPayload): ProgressMessage => ({ type: 'progress', progress: payload }),
  eof: (payload: EofPayload): EofMessage => ({ type: 'eof', eof: payload }),
} as const;
