import { ConnectorError } from '@penstock/connector-sdk';
import type { Client } from 'pg';
import { isFromServer } from '../connect/postgres-error.ts';

/**
 * Commits so that nothing is stored or counted twice when the connection breaks before the answer is here: the next try asks the
 * server what became of the transaction. One for each transaction that is tried until it succeeds.
 */
export class SureCommit<T> {
  #last: { readonly transaction: string; readonly result: T } | undefined;

  /**
   * @param transaction its number, `pg_current_xact_id()` as text
   * @param result what it did
   * @throws what Postgres says
   */
  async commit(client: Client, transaction: string, result: T): Promise<T> {
    this.#last = { transaction, result };
    await client.query('commit');
    return result;
  }

  /**
   * To be asked before each try, outside of a transaction.
   *
   * @returns the result of the try before, when it was committed after all
   * @throws ConnectorError `unreachable` while the server is still at it; what Postgres says when it can't be asked
   */
  async recall(client: Client): Promise<T | undefined> {
    if (!this.#last) return undefined;
    const { transaction, result } = this.#last;
    const status = await statusOf(client, transaction);
    if (status === 'in progress')
      throw new ConnectorError('unreachable', {
        message: 'Postgres is still committing what was sent over the connection that broke.',
      });
    return status === 'committed' ? result : undefined;
  }
}

/** @returns null for a transaction that is long past, or that this server, promoted meanwhile, has never seen */
async function statusOf(client: Client, transaction: string): Promise<string | null> {
  try {
    const { rows } = await client.query<{ status: string | null }>('select pg_xact_status($1::xid8) as status', [
      transaction,
    ]);
    return rows[0]!.status;
  } catch (error) {
    if ((error as { code?: string }).code === '22023' && isFromServer(error)) return null;
    throw error;
  }
}
