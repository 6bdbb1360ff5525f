import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import { breakOff, hangUp, processIdOf } from '@penstock/postgres-connection';
import type { Config } from '../config.ts';
import { connect, prepareWriting } from './connection.ts';
import { endProcess } from './end-process.ts';
import { classify } from './postgres-error.ts';
import type { Session } from './session.ts';
import { watchSession } from './watch-session.ts';

/** One connection for writing: made when it is needed, and again when it broke. */
export class KeptConnection {
  #session: Session | undefined;
  #stopWatching = () => {};
  /** The process of the server that a statement was lost with. */
  #previousPid: number | undefined;
  #isBroken = false;
  #isClosed = false;

  /** @throws ConnectorError, or what Postgres says */
  async session(config: Config, log: ConnectorLog): Promise<Session> {
    // It broke while nothing ran on it: nothing is lost, and nobody has to hear of it.
    if (this.#isBroken) await this.#drop();
    if (this.#session) return this.#session;
    const session = await connect(config);
    this.#session = session;
    this.#isBroken = false;
    const onBroken = () => {
      if (this.#session === session) this.#isBroken = true;
    };
    session.once('error', onBroken).once('end', onBroken);
    this.#stopWatching = watchSession(session, config, log);
    try {
      // Closed while it was connecting: nobody else would close this one.
      if (this.#isClosed) throw new ConnectorError('stopped', { message: 'The connection is not needed any more.' });
      await prepareWriting(session);
      if (this.#previousPid !== undefined) await endProcess(session, this.#previousPid);
      this.#previousPid = undefined;
    } catch (error) {
      await this.#drop();
      throw error;
    }
    return session;
  }

  /** After an error the connection is either rolled back and well, or gone. */
  async recover(error: unknown): Promise<void> {
    const session = this.#session;
    if (!session) return;
    const isWell = !(error instanceof ConnectorError) && classify(error) !== 'connection';
    // Each statement was a transaction of its own: there is nothing to roll back.
    if (isWell && !session.isPooled && session.getTransactionStatus() === 'I') return;
    if (
      isWell &&
      (await session.query('rollback').then(
        () => true,
        () => false,
      ))
    )
      return;
    if (!session.isPooled) this.#previousPid = processIdOf(session);
    await this.#drop();
  }

  /** Closes the connection for good; an open transaction is rolled back by the server. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#drop();
  }

  /** Breaks the connection off without a word, for stopping at once. */
  abandon(): void {
    if (this.#session) breakOff(this.#session);
  }

  async #drop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#isBroken = false;
    this.#stopWatching();
    if (session) await hangUp(session);
  }
}
