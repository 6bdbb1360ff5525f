import { ConnectorError } from '@penstock/connector-sdk';
import type { Session } from '../connect/session.ts';

/** A session that has a table in use. What another user's session does is not told to everybody. */
type TableUser = {
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  /** How long its transaction has been going on. */
  readonly seconds: number | null;
};

/** Enough to know whom to ask. */
const usersMax = 3;

/** Who has one of some tables in use, the longest first. */
async function readUsers(session: Session, tables: readonly string[]): Promise<TableUser[]> {
  const { rows } = await session.query<TableUser>(
    `select a.pid, a.usename as "user", nullif(a.application_name, '') as application,
       floor(extract(epoch from statement_timestamp() - a.xact_start))::int as seconds
     from pg_stat_activity a
     where a.pid <> pg_backend_pid() and a.pid in (
       select l.pid from pg_locks l
       where l.locktype = 'relation' and l.granted and l.relation in (select to_regclass(name) from unnest($1::text[]) name))
     order by a.xact_start nulls last limit ${usersMax}`,
    [tables],
  );
  return rows;
}

/** What is to be said when a table could not be changed, since others had it in use all the time. */
export type InUse = {
  /** `other sessions had it in use for 30 s: process 17 (user "bi", …)` */
  readonly reason: string;
  readonly remedy: string;
};

/**
 * Finds out who has tables in use.
 *
 * @param tables their quoted names
 * @param waitedMs how long they were waited for
 */
export async function explainInUse(session: Session, tables: readonly string[], waitedMs: number): Promise<InUse> {
  const users = await readUsers(session, tables);
  const who = users.map(({ pid, user, application, seconds }) => {
    const facts = [
      ...(user === null ? [] : [`user "${user}"`]),
      ...(application === null ? [] : [`"${application}"`]),
      ...(seconds === null ? [] : [`in a transaction for ${seconds} s`]),
    ];
    return `process ${pid}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
  });
  return {
    reason: `other sessions had it in use all the time for ${Math.ceil(waitedMs / 1000)} s${who.length > 0 ? `: ${who.join('; ')}` : ''}`,
    remedy:
      users.length > 0
        ? `Wait until their transactions have ended, or end them: select pg_terminate_backend(${users[0]!.pid}). Then run again.`
        : 'Run again when nobody reads or changes it in a long transaction.',
  };
}

/** The error of a table that has to be changed before it can be written. */
export function inUseError(table: string, { reason, remedy }: InUse, cause: unknown): ConnectorError {
  return new ConnectorError('upstream_failed', {
    message: `${table} has to be changed before it can be written, and ${reason}.`,
    remedy,
    cause,
  });
}
