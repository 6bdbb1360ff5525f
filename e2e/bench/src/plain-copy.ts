/** What all of these benchmarks compare with: one plain COPY into `(key, _raw_data jsonb)`, from a file that the server reads. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import pg from 'pg';
import { customer } from './customer.ts';

/** Writes customers as rows for COPY, into a file that the server's user may read. */
export async function writeCustomerRows(path: string, count: number): Promise<void> {
  const file = createWriteStream(path, { mode: 0o644 });
  for (let index = 0; index < count; index++) {
    const data = JSON.stringify(customer(index, 1_700_000_000));
    if (!file.write(`${customer(index, 0).id}\t${data.replaceAll('\\', '\\\\')}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}

/** Copies a file once, over a connection of its own, into a table that is made and dropped. @returns seconds */
export async function copyOnce(client: pg.Client, url: string, path: string): Promise<number> {
  await client.query('drop table if exists plain');
  await client.query('create table plain (key text primary key, _raw_data jsonb)');
  await client.query('checkpoint');
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  const startedAt = performance.now();
  await other.query(`copy plain from '${path}'`);
  const seconds = (performance.now() - startedAt) / 1000;
  await other.end();
  await client.query('drop table plain');
  return seconds;
}
