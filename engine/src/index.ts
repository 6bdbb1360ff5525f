export { type NamedPipeline, type PreparedSide, prepareSide } from './pipeline/prepare.ts';
export { runSync, type SyncOptions, type SyncResult } from './sync.ts';
