import { ConnectorError } from '@penstock/connector-sdk';
import { reasonOf } from '../connect/postgres-error.ts';
import type { BatchStore, StreamTable, TroubleOptions } from '../merge/store-batch.ts';
import { makeIndexes } from '../tables/make-indexes.ts';

/**
 * Between two lines that tell that an index is still being made, in milliseconds. An engine that waits for the end of the
 * program wonders after a minute of silence, and gives up after some more.
 */
const sayEachMs = 30_000;

/**
 * Makes the indexes that a table lacks, over a connection that has nothing else to do. Writing into the table waits meanwhile. Where
 * that can't be done now, also for want of a connection, a warning says so and the run goes on: its rows are stored. When the
 * program is asked to stop, the server is told to leave the index that it is at, and the next run makes what is missing.
 *
 * @throws a defect of ours; the signal's reason when it is aborted meanwhile
 */
export async function buildIndexes(store: BatchStore, table: StreamTable, options: TroubleOptions): Promise<void> {
  const { log, signal, stopRequested } = options;
  const { plan, name } = table;
  // What it does on the server is ended over the next connection, as after any connection that was lost.
  const leave = () => store.abandon();
  stopRequested.addEventListener('abort', leave);
  try {
    await store.perform(table, (session) => makeIndexes(session, plan, { log, stopRequested, sayEachMs }), options);
  } catch (error) {
    if (signal.aborted || !(error instanceof ConnectorError)) throw error;
    log.warn(`Indexes of ${name} could not be made: ${reasonOf(error)} The next run tries again.`, {
      stream: plan.stream,
    });
  } finally {
    stopRequested.removeEventListener('abort', leave);
  }
  if (stopRequested.aborted)
    log.info(`Indexes of ${name} that are missing are left to the next run.`, { stream: plan.stream });
}
