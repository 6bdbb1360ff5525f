import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorPipes } from './pipe.ts';
import { joinPipes } from './pipe-running.ts';

/** How long the engine's own end may take for it: a connector that comes later waits for its other ends in vain. */
const DISMISSAL_TIMEOUT_MS = 10_000;

/**
 * Lets a connector go that waits for its catalog. When there is nothing to do it gets a catalog of no streams, so that it
 * ends with 0. Otherwise its pipes are opened and closed without a word, and it ends at once. Never rejects.
 */
export async function dismiss(pipes: ConnectorPipes, nothingToDo: boolean): Promise<void> {
  const command = pipes.side === 'source' ? 'read' : 'write';
  const work = nothingToDo ? { catalog: { streams: [] }, state: { streams: {}, global: {} } } : {};
  try {
    const running = await joinPipes(pipes, { command, ...work, startTimeoutMs: DISMISSAL_TIMEOUT_MS });
    running.stdout.resume();
    // The end of a source's input stops it, which is not what has happened when it was done.
    if (command === 'write' || !nothingToDo) running.stdin.end();
    const given = new AbortController();
    const late = delay(DISMISSAL_TIMEOUT_MS, undefined, { signal: given.signal }).then(
      () => running.kill(),
      () => undefined,
    );
    await running.ended;
    given.abort();
    await late;
  } catch {
    // It isn't there, so it needn't be let go.
  }
}
