import { setTimeout as delay } from 'node:timers/promises';
import { ConnectorError } from '@penstock/connector-sdk';
import type { PostgresError } from '../connect/postgres-error.ts';
import type { Session } from '../connect/session.ts';

/** How long one try waits for a table, in milliseconds: all who come after it, readers too, stand behind it meanwhile. */
const tryMsMax = 1000;
/** Between two tries, in milliseconds, in which they get on. */
const pauseMs = 2000;
/** How long another of our programs is waited for in one try: nobody else stands behind that. */
const turnMs = 10_000;
/** In all, in milliseconds. */
const totalMsMax = 30_000;

/**
 * How long locks are waited for that somebody else holds, over all the tables that share it: a backup holds them all, and
 * waiting for each would take hours. When it is used up, each further table gets one short try.
 */
export class LockPatience {
  /** Of one try. */
  readonly tryMs: number;
  /** For all tries together. */
  #leftMs: number;

  /** @param msMax for less than the 30 s that are the most */
  constructor(msMax = totalMsMax) {
    this.#leftMs = Math.min(totalMsMax, msMax);
    // No time would mean no limit to Postgres.
    this.tryMs = Math.max(1, Math.min(tryMsMax, Math.ceil(this.#leftMs)));
  }

  /**
   * Waits before the next try.
   *
   * @param triedMs how long the last one took
   * @returns whether there is to be another
   */
  async pause(triedMs: number): Promise<boolean> {
    this.#leftMs -= triedMs + pauseMs;
    if (this.#leftMs <= 0) return false;
    await delay(pauseMs);
    return true;
  }
}

/** Whether a lock was waited for in vain. */
export function isLockTimeout(error: unknown): boolean {
  return (error as PostgresError).code === '55P03';
}

/**
 * Changes definitions in a transaction, while no other of our programs does: `if not exists` alone fails when two do it at once.
 * What somebody else has in use is tried again, a short while each time.
 *
 * @param work can be done again
 * @throws what {@link isLockTimeout} knows, when others had something in use all the time; ConnectorError `upstream_failed` when
 * another of our programs was at it
 */
export async function oneAtATime(
  client: Session,
  work: () => Promise<unknown>,
  patience = new LockPatience(),
): Promise<void> {
  for (;;) {
    const startedAt = performance.now();
    let hasTurn = false;
    try {
      await inTransaction(client, async () => {
        await client.query(
          `set local lock_timeout = ${turnMs}; select pg_advisory_xact_lock(hashtext('penstock tables'))`,
        );
        hasTurn = true;
        await client.query(`set local lock_timeout = ${patience.tryMs}`);
        await work();
      });
      return;
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      if (await patience.pause(performance.now() - startedAt)) continue;
      throw hasTurn ? error : turnError(error);
    }
  }
}

function turnError(cause: unknown): ConnectorError {
  return new ConnectorError('upstream_failed', {
    message: 'Another program of Penstock changes tables of this database, and its end was waited for in vain.',
    remedy: 'Run again when it has done that.',
    cause,
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
