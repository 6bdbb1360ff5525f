import type { Session } from '../connect/session.ts';

/** Changes definitions in a transaction, while no other of our programs does: `if not exists` alone fails when two do it at once. */
export async function oneAtATime(client: Session, work: () => Promise<unknown>): Promise<void> {
  await inTransaction(client, async () => {
    // Waiting long behind a reader would hold up all that come after it.
    await client.query(`set local lock_timeout = '10s'; select pg_advisory_xact_lock(hashtext('penstock tables'))`);
    await work();
  });
}

/** Commits what `work` does, or rolls it back when it throws. */
export async function inTransaction(client: Session, work: () => Promise<unknown>): Promise<void> {
  try {
    await client.begin();
    await work();
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
