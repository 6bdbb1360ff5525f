import type { SyncState } from '@penstock/protocol';
import { initialProgress } from '../reduce/progress.ts';

/** A state with the given source streams, each with progress, for tests. */
export function exampleState(streams: Record<string, unknown>, runId = 'run_1'): SyncState {
  return {
    source: { streams, global: { events: { cursor: 'evt_1' } } },
    destination: {},
    sync_run: {
      run_id: runId,
      time_ceiling: '2026-01-31T12:00:00Z',
      progress: initialProgress(Object.keys(streams), Date.UTC(2026, 0, 31, 12)),
    },
  };
}
