import { ConnectorError } from '@penstock/connector-sdk';
import { connectionError, finishWithin, openClient, planConnection, targetOf } from '@penstock/postgres-connection';
import { CodedError } from '@penstock/protocol';
import type { Config } from '../config.ts';
import { quoteName } from '../tables/identifier.ts';
import { type Session, startSession } from './session.ts';

/** No connection, and waiting did not help: the run ends, not just a stream. */
export class ConnectionFailure extends ConnectorError {}

/**
 * Connects as config and environment say, with the settings that every statement here relies on.
 *
 * @throws ConnectorError that says what is wrong, without the password
 */
export async function connect(config: Config): Promise<Session> {
  try {
    const plan = await planConnection(config);
    const { client, server, safety, isPooled } = await openClient(plan);
    const target = targetOf(plan, server);
    return await finishWithin(client, plan.connectSecondsMax, () =>
      startSession(client, { target, safety, isPooled }),
    ).catch((cause: unknown) => {
      throw connectionError(cause, target);
    });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message, remedy, cause } = error;
    throw new ConnectorError(code, { message, remedy, cause });
  }
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
