import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { LEASE_MS, leaseHeld, leaseLost, thisProcess } from './lease.ts';
import { transaction } from './postgres-connection.ts';
import type { LeaseHolder } from './state-store.ts';

/** How long a lease that is held is tried for, in milliseconds: the session of a killed engine ends a moment after it. */
const TAKE_LEASE_MS = 2_000;
const TAKE_LEASE_AGAIN_MS = 100;

/**
 * Whether the lease in the row `lease` has a living holder: not expired, and its database session still there. The start
 * of a session of another user can't be seen; the process id alone has to do then.
 */
const IS_HELD = `(lease.expires_at > clock_timestamp() and exists (
  select from pg_stat_activity activity
  where activity.pid = lease.session_pid and coalesce(activity.backend_start = lease.session_start, true)))`;

/** The columns of a lease that say who holds it, as {@link LeaseHolder}. */
export const HOLDER_COLUMNS = `lease.holder_host as host, lease.holder_pid as pid,
  to_char(lease.since at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since, ${IS_HELD} as held`;

/** A row of {@link HOLDER_COLUMNS}. */
export type HolderRow = LeaseHolder & { readonly held: boolean | null };

/** Where the lease table is, and of which pipeline. */
export interface LeaseKey {
  readonly schema: string;
  readonly pipeline: string;
}

const tableOf = (schema: string) => `${pg.escapeIdentifier(schema)}.lease`;

/**
 * Takes the lease for this process and the session of `client`. One that is held is tried for again for a moment.
 *
 * @returns its epoch, larger than that of every holder before
 * @throws CodedError `lease_held`
 */
export async function takeLease(client: pg.Client, key: LeaseKey): Promise<bigint> {
  const deadline = performance.now() + TAKE_LEASE_MS;
  for (;;) {
    const outcome = await tryLease(client, key);
    if (typeof outcome === 'bigint') return outcome;
    if (performance.now() > deadline) throw leaseHeld(key.pipeline, outcome);
    await delay(TAKE_LEASE_AGAIN_MS);
  }
}

function tryLease(client: pg.Client, { schema, pipeline }: LeaseKey): Promise<bigint | LeaseHolder> {
  const table = tableOf(schema);
  return transaction(client, async () => {
    await client.query(`insert into ${table} (pipeline, epoch) values ($1, 0) on conflict do nothing`, [pipeline]);
    // Locked before the sessions are looked at: whoever held the row until now is seen with its session.
    await client.query(`select from ${table} where pipeline = $1 for update`, [pipeline]);
    const { rows } = await client.query<HolderRow>(`select ${HOLDER_COLUMNS} from ${table} lease where pipeline = $1`, [
      pipeline,
    ]);
    const row = rows[0]!;
    if (row.held === true) return { host: row.host, pid: row.pid, since: row.since };
    const { host, pid } = thisProcess();
    const taken = await client.query<{ epoch: string }>(
      `update ${table} set epoch = epoch + 1, holder_host = $2, holder_pid = $3, since = clock_timestamp()
       where pipeline = $1 returning epoch`,
      [pipeline, host, pid],
    );
    const epoch = BigInt(taken.rows[0]!.epoch);
    await renewLease(client, { schema, pipeline }, epoch);
    return epoch;
  });
}

/**
 * Renews the lease, and says which session holds it now.
 *
 * @throws CodedError `lease_held` when another engine has taken it
 */
export async function renewLease(client: pg.Client, { schema, pipeline }: LeaseKey, epoch: bigint): Promise<void> {
  const table = tableOf(schema);
  const { rowCount } = await client.query(
    `update ${table} set expires_at = clock_timestamp() + $3 * interval '1 millisecond',
       session_pid = pg_backend_pid(),
       session_start = (select backend_start from pg_stat_activity where pid = pg_backend_pid())
     where pipeline = $1 and epoch = $2`,
    [pipeline, epoch, LEASE_MS],
  );
  if (rowCount === 0) throw await whoTookIt(client, { schema, pipeline });
}

/** The error of an engine whose epoch is over. */
export async function whoTookIt(client: pg.Client, { schema, pipeline }: LeaseKey): Promise<Error> {
  const { rows } = await client.query<HolderRow>(
    `select ${HOLDER_COLUMNS} from ${tableOf(schema)} lease where pipeline = $1`,
    [pipeline],
  );
  return leaseLost(pipeline, rows[0]?.held === true ? rows[0] : undefined);
}

/** Gives the lease back, if it is still ours. The epoch stays. */
export async function giveLeaseBack(client: pg.Client, { schema, pipeline }: LeaseKey, epoch: bigint): Promise<void> {
  await client.query(
    `update ${tableOf(schema)} set holder_host = null, holder_pid = null, since = null, expires_at = null,
       session_pid = null, session_start = null
     where pipeline = $1 and epoch = $2`,
    [pipeline, epoch],
  );
}
