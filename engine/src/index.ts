export type { CodedError, EngineMessage, EofPayload, ErrorCode, ProgressPayload } from '@penstock/protocol';
export { type RunSyncOptions, runSync } from './run-pipeline.ts';
export type { SyncResult } from './sync.ts';
