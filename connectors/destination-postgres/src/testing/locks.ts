import type { TestDatabase } from '@penstock/local-postgres/testing';

/**
 * Begins a transaction in another session and keeps it open, for the locks that it takes.
 *
 * @param sql what takes them
 * @returns what rolls it back, or commits it
 */
export async function holdLocks(
  { pool }: TestDatabase,
  sql: string,
): Promise<(end?: 'rollback' | 'commit') => Promise<void>> {
  const client = await pool.connect();
  await client.query(`begin; ${sql}`);
  return async (end = 'rollback') => {
    await client.query(end);
    client.release();
  };
}

/** Holds a table so that nothing can be written into it. @returns what lets go of it */
export function lockTable(db: TestDatabase, name: string): Promise<() => Promise<void>> {
  return holdLocks(db, `lock table "${name}" in access exclusive mode`);
}

/** How many sessions of the database wait for a lock. @param statement only those whose statement begins so */
export async function countBlocked({ pool }: TestDatabase, statement = ''): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where wait_event_type = 'Lock' and datname = current_database() and starts_with(query, $1)`,
    [statement],
  );
  return rows[0]!.count;
}
