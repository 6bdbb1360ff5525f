import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@penstock/local-postgres/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { childrenOf, stalledSync } from './launch/testing/stalled-sync.ts';
import { postgresStateStore } from './store/postgres-state-store.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'penstock-sync-stop-pg-test-'));
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'is stopped by %s while the state is saved at the end: it is saved, and the run is done',
  async (signal) => {
    const more = { state: { postgres: { url: database.url } } };
    const { process, out, whenSourceEnded, goOn } = await stalledSync(folder, 'destination', 'write', 300, more);
    const pid = process.child.pid!;
    await whenSourceEnded();
    const locker = await database.pool.connect();
    try {
      await locker.query('begin; lock table penstock.sync_state in share mode');
      await goOn();
      // Both connectors have ended, and what is left is to save.
      await expect.poll(() => childrenOf(pid)).toEqual([]);
      const waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
      await expect.poll(async () => (await database.pool.query(waiting)).rowCount).toBe(1);
      process.child.kill(signal);
      await expect.poll(process.stderr).toContain(`${signal}: stopping`);
      expect(process.stdout()).not.toContain('"eof"');
      await locker.query('commit');
    } finally {
      locker.release();
    }
    const run = await process.done;
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.eof).toMatchObject({ status: 'succeeded', has_more: false, reason: 'complete' });
    const store = postgresStateStore({ url: database.url });
    expect((await store.load('fake'))?.source.streams).toEqual({ a: { next: 300 } });
    expect(await store.runs('fake', 9)).toMatchObject([{ outcome: 'done' }]);
    expect(new Set((await readFile(out, 'utf8')).trim().split('\n')).size).toBe(300);
  },
);
