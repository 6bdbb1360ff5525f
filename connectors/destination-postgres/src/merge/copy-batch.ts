import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Batch } from './batch.ts';
import { stageTable } from './merge-sql.ts';

/** Puts records of a batch (indexes, ascending) into the stage of this connection, inside of its open transaction. */
export async function copyBatch(client: Client, batch: Batch, indexes: readonly number[]): Promise<void> {
  const copy = client.query(copyFrom(`copy ${stageTable} (n, data) from stdin (format binary)`));
  const done = finished(copy);
  Readable.from(batch.copyData(indexes), { objectMode: true }).pipe(copy);
  await done;
}
