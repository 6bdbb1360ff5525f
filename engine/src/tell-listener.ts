import type { CodedError } from '@penstock/protocol';
import { Heartbeat } from './relay/heartbeat.ts';
import { type Audience, Listener } from './relay/listener.ts';
import type { SyncOptions, SyncResult } from './sync.ts';

/**
 * Runs something that says its messages to the listener of the options: with a heartbeat, and so that a listener that fails
 * makes the run a failed one, whichever message that was. Never rejects unless `run` does.
 */
export async function tellListener(
  { onMessage, now, listenerWaitMs, killSignal }: SyncOptions,
  run: (audience: Audience) => Promise<SyncResult>,
): Promise<SyncResult> {
  const listener = new Listener(onMessage);
  const heartbeat = new Heartbeat(listener, now ?? Date.now);
  try {
    const result = await run(heartbeat);
    if (listenerWaitMs !== undefined) await listener.whenQuiet(listenerWaitMs, killSignal);
    return listener.failed.aborted ? unheard(result, listener.failed.reason) : result;
  } finally {
    heartbeat.close();
  }
}

/** Of a run that had its end already when the listener failed on its last words, the result alone can still say so. */
function unheard({ eof }: SyncResult, error: CodedError): SyncResult {
  return { exitCode: error.exitCode, eof: { ...eof, status: 'failed', reason: 'error' }, error };
}
