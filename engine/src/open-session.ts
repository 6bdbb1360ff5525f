import type { SyncState } from '@penstock/protocol';
import { initialSyncState } from './reduce/sync-state.ts';
import type { StateSession } from './store/state-store.ts';
import type { SyncOptions } from './sync.ts';

/** The lease on a pipeline, and what its next run goes on from. */
export interface Opened {
  readonly session: StateSession;
  readonly previous: SyncState | undefined;
}

/**
 * Takes the lease; with `resetState` the state is forgotten first, but for what connectors found out about their configs.
 *
 * @param now milliseconds since 1970
 * @throws CodedError as the store does
 */
export async function openSession({ store, name, resetState }: SyncOptions, now: number): Promise<Opened> {
  if (resetState !== true) {
    const session = await store.open(name);
    return { session, previous: session.previous };
  }
  // State that can't be read is what a reset is for.
  const resolved_config = (await store.load(name).catch(() => undefined))?.resolved_config;
  await store.reset(name);
  const session = await store.open(name);
  if (resolved_config === undefined) return { session, previous: undefined };
  const previous = { ...initialSyncState({ now, catalog: { streams: [] } }), resolved_config };
  try {
    await session.save(previous);
    return { session, previous };
  } catch (error) {
    await session.close();
    throw error;
  }
}
