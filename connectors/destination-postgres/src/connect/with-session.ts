import { ConnectorError } from '@penstock/connector-sdk';
import { hangUp, isOutOfReach, processIdOf } from '@penstock/postgres-connection';
import { connect } from './connection.ts';
import { endProcess } from './end-process.ts';
import type { PostgresError } from './postgres-error.ts';
import { isPassing, type RetryTrouble, retryTrouble } from './retry-trouble.ts';
import type { Session } from './session.ts';
import { watchSession } from './watch-session.ts';

/**
 * Does work on a connection of its own, from the beginning when a passing trouble came. Not where nobody answers at the very
 * first try, or only a standby: whoever has just written a wrong host into the config shouldn't wait for that.
 *
 * @param work can be done again
 * @throws ConnectorError of connecting; else what the last try threw
 */
export async function withSession<T>(
  options: Omit<RetryTrouble, 'isPassing'>,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { config, log, signal } = options;
  let hasConnected = false;
  let previousPid: number | undefined;
  const attempt = async () => {
    signal.throwIfAborted();
    const session = await connect(config);
    hasConnected = true;
    const stopWatching = watchSession(session, config, log);
    try {
      if (previousPid !== undefined) await endProcess(session, previousPid);
      if (!session.isPooled) previousPid = processIdOf(session);
      return await work(session);
    } finally {
      stopWatching();
      await hangUp(session);
    }
  };
  const canPass = (error: unknown) => {
    const cause = error instanceof ConnectorError ? error.cause : error;
    return (
      isPassing(error) &&
      (cause as PostgresError | undefined)?.code !== '25006' &&
      (hasConnected || !isOutOfReach(cause))
    );
  };
  return retryTrouble(attempt, { ...options, isPassing: canPass });
}
