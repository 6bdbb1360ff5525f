import {
  type CodedError,
  type EngineMessage,
  formatTimestamp,
  message as make,
  type SyncState,
} from '@penstock/protocol';
import { initialSyncState, reduceState } from './reduce/sync-state.ts';

/**
 * What `--json` prints when a run could not even begin. Everything in it agrees that nothing was done.
 *
 * @param now milliseconds since 1970
 */
export function failureBeforeRun(error: CodedError, now: number): EngineMessage[] {
  const stamp = { _emitted_by: 'engine', _ts: formatTimestamp(now) };
  const initial = initialSyncState({ now, catalog: { streams: [] } });
  if (error.code === 'stopped') {
    const eof = make.eof({ status: 'started', has_more: true, reason: 'aborted', ...shown(stillStarted(initial)) });
    return [{ ...eof, ...stamp }];
  }
  const { failureType: failure_type } = error;
  const status = make.connectionStatus({ status: 'failed', message: error.text.trim(), failure_type });
  const failed = reduceState(initial, { at: now, type: 'message', message: status });
  const eof = make.eof({ status: 'failed', has_more: false, reason: 'error', ...shown(failed) });
  return [
    { ...status, ...stamp },
    { ...eof, ...stamp },
  ];
}

function shown(ending_state: SyncState) {
  const { progress } = ending_state.sync_run;
  return { ending_state, run_progress: progress, request_progress: progress };
}

/** Its streams are not known yet; without any, it would pass for one that has done all it had to. */
function stillStarted(state: SyncState): SyncState {
  const { progress } = state.sync_run;
  const derived = { ...progress.derived, status: 'started' } as const;
  return { ...state, sync_run: { ...state.sync_run, progress: { ...progress, derived } } };
}
