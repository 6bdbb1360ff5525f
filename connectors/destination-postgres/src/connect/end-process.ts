import type { Session } from './session.ts';

/** How long a process of the server may take to end when it is told to, in milliseconds. */
const endMs = 5000;

/**
 * Ends what a lost connection left running on the server, which may not know that nobody listens any more: it would hold its
 * locks, and should it end after later batches are merged, its records would count as the later ones where versions are equal.
 *
 * @param pid of the process behind the lost connection
 */
export async function endProcess(session: Session, pid: number): Promise<void> {
  await session.query(
    `select pg_terminate_backend(pid, ${endMs}) from pg_stat_activity
     where pid = $1 and pid <> pg_backend_pid() and datname = current_database() and usename = current_user and application_name = current_setting('application_name')`,
    [pid],
  );
}
