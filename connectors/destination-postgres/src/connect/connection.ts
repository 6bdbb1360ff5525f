import { ConnectorError } from '@penstock/connector-sdk';
import type { Config } from '../config.ts';
import { quoteName } from '../tables/identifier.ts';
import { connectionError } from './connection-error.ts';
import { planConnection } from './connection-plan.ts';
import { finishWithin, openClient, targetOf } from './open-client.ts';
import { type Session, startSession } from './session.ts';

/** No connection, and waiting did not help: the run ends, not just a stream. */
export class ConnectionFailure extends ConnectorError {}

/**
 * Connects as config and environment say, with the settings that every statement here relies on.
 *
 * @throws ConnectorError that says what is wrong, without the password
 */
export async function connect(config: Config): Promise<Session> {
  const plan = await planConnection(config);
  const { client, server, safety, isPooled } = await openClient(plan);
  const target = targetOf(plan, server);
  return finishWithin(client, plan.connectSecondsMax, () => startSession(client, { target, safety, isPooled })).catch(
    (cause: unknown) => {
      throw connectionError(cause, target);
    },
  );
}

/**
 * Makes a connection ready for writing: the stage, and settings that make merging fast.
 *
 * @throws ConnectorError `permission_missing` when temporary tables are not allowed
 */
export async function prepareWriting(session: Session): Promise<void> {
  const { database, user } = session.target;
  try {
    await session.prepareWriting();
  } catch (cause) {
    if ((cause as { code?: string }).code !== '42501') throw cause;
    throw new ConnectorError('permission_missing', {
      message: `User "${user}" may not make temporary tables in database "${database}".`,
      remedy: `Run: grant temporary on database ${quoteName(database)} to ${quoteName(user)}`,
      cause,
    });
  }
}
