import type { ProgressPayload, SyncState } from '@penstock/protocol';

/** The streams that a state knows of: by what the source said of them, or by the last run. Sorted. Pure. */
export function streamsOf({ source, sync_run }: SyncState): string[] {
  return [...new Set([...Object.keys(source.streams), ...Object.keys(sync_run.progress.streams)])].sort();
}

/** The state as if these streams had never been read; what belongs to no stream stays. Pure. */
export function withoutStreams(state: SyncState, names: readonly string[]): SyncState {
  return pickStreams(state, (name) => !names.includes(name));
}

/** The state without all streams but these; what belongs to no stream stays. Pure. */
export function onlyStreams(state: SyncState, names: readonly string[]): SyncState {
  return pickStreams(state, (name) => names.includes(name));
}

/** The state with these streams as `other` has them; what it doesn't have of one is gone. Pure. */
export function withStreamsOf(state: SyncState, other: SyncState, names: readonly string[]): SyncState {
  const kept = withoutStreams(state, names);
  const taken = onlyStreams(other, names);
  const progress = {
    ...kept.sync_run.progress,
    streams: { ...kept.sync_run.progress.streams, ...taken.sync_run.progress.streams },
  };
  return {
    ...kept,
    source: { ...kept.source, streams: { ...kept.source.streams, ...taken.source.streams } },
    sync_run: { ...kept.sync_run, progress },
  };
}

/** The state with its streams in the order of their names, which doesn't depend on where it was kept. Pure. */
export function inOrderOfNames(state: SyncState): SyncState {
  return pickStreams(state, () => true);
}

function pickStreams(state: SyncState, picks: (name: string) => boolean): SyncState {
  const pick = <T>(streams: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.keys(streams)
        .filter(picks)
        .sort()
        .map((name) => [name, streams[name]!]),
    );
  const progress: ProgressPayload = {
    ...state.sync_run.progress,
    streams: pick(state.sync_run.progress.streams),
  };
  return {
    ...state,
    source: { ...state.source, streams: pick(state.source.streams) },
    sync_run: { ...state.sync_run, progress },
  };
}
