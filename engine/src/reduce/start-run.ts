import { type ConfiguredCatalog, parseTimestamp, type SyncState } from '@penstock/protocol';
import { catalogOfRun, initialSyncState } from './sync-state.ts';

/**
 * The state at the beginning of a call, and what is left to move in its run. Pure.
 *
 * @param catalog all streams of the pipeline
 * @param runId the run that this call belongs to
 * @param now milliseconds since 1970
 */
export function startRun(
  catalog: ConfiguredCatalog,
  previous: SyncState | undefined,
  runId: string,
  now: number,
): { readonly state: SyncState; readonly catalog: ConfiguredCatalog } {
  const isNew = previous?.sync_run.run_id !== runId;
  const state = initialSyncState({ previous, runId, now, catalog });
  const generation_id = parseTimestamp(state.sync_run.progress.started_at);
  const ofRun = catalogOfRun(catalog, state);
  const streams = ofRun.streams.map((configured) =>
    configured.sync_mode === 'full_refresh' ? { ...configured, generation_id } : configured,
  );
  const refreshed = streams.filter(({ sync_mode }) => sync_mode === 'full_refresh').map(({ stream }) => stream.name);
  // A full refresh begins at the beginning; when it goes on, it goes on where it was.
  return { state: isNew ? withoutStreamState(state, refreshed) : state, catalog: { streams } };
}

function withoutStreamState(state: SyncState, names: readonly string[]): SyncState {
  if (names.length === 0) return state;
  const streams = Object.fromEntries(Object.entries(state.source.streams).filter(([name]) => !names.includes(name)));
  return { ...state, source: { ...state.source, streams } };
}
