import { type CodedError, type EngineMessage, errorCodes, message as make } from '@penstock/protocol';
import { initialSyncState } from './reduce/sync-state.ts';

/** What `--json` prints when a run could not even begin. */
export function failureBeforeRun(error: CodedError, now: number): EngineMessage[] {
  const state = initialSyncState({ now, catalog: { streams: [] } });
  const { failureType: failure_type } = errorCodes[error.code];
  const { progress } = state.sync_run;
  const shown = { ending_state: state, run_progress: progress, request_progress: progress };
  if (error.code === 'stopped') return [make.eof({ status: 'started', has_more: true, reason: 'aborted', ...shown })];
  return [
    make.connectionStatus({ status: 'failed', message: error.text.trim(), failure_type }),
    make.eof({ status: 'failed', has_more: false, reason: 'error', ...shown }),
  ];
}
