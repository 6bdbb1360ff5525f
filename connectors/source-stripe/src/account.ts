import { ConnectorError } from '@penstock/connector-sdk';
import * as z from 'zod';
import type { StripeConfig } from './config.ts';
import type { StripeReader } from './stripe-client.ts';
import { StripeResponseError, toConnectorError } from './stripe-error.ts';

/** 2011-01-01, before Stripe opened: the lower bound where the account doesn't say when it was created. */
export const EARLIEST_CREATED = Date.UTC(2011, 0, 1) / 1000;

const accountSchema = z.object({
  id: z.string().startsWith('acct_'),
  created: z.int().nonnegative().nullish(),
  settings: z.object({ dashboard: z.object({ display_name: z.string().nullish() }).optional() }).nullish(),
});

/** Whose data is read. */
export interface Account {
  readonly id: string;
  /** Seconds since 1970; nothing in the account is older. */
  readonly created: number;
  /** As its owner calls it; undefined where that isn't known. */
  readonly displayName: string | undefined;
}

/** Retries for `check`, where somebody waits for the answer. */
export const CHECK_RETRIES = 2;

/**
 * Asks for the account: whose key it is, since when it exists and, by the way, what time Stripe has.
 *
 * @throws ConnectorError when the key is refused, nothing answers, or the account isn't told and isn't configured either
 */
export async function resolveAccount(
  config: StripeConfig,
  client: Pick<StripeReader, 'get'>,
  signal: AbortSignal,
  retriesMax?: number,
): Promise<Account> {
  try {
    const { body } = await client.get('/v1/account', signal, { retriesMax });
    const found = readAccount(body);
    if (config.account_id !== undefined && config.account_id !== found.id) {
      throw new ConnectorError('config_invalid', {
        message: `account_id is ${config.account_id}, but the API key is of ${found.id}.`,
        remedy: 'Leave account_id out, or use a key of that account.',
      });
    }
    return {
      id: found.id,
      created: config.account_created ?? found.created ?? EARLIEST_CREATED,
      displayName: found.settings?.dashboard?.display_name ?? undefined,
    };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof StripeResponseError) || error.status === 401) throw toConnectorError(error);
    const isRefused = error.status === 403 || error.status === 404;
    if (config.account_id !== undefined && isRefused && error.isFromStripe) {
      const created = config.account_created ?? EARLIEST_CREATED;
      return { id: config.account_id, created, displayName: undefined };
    }
    if (error.status === 403 && error.isFromStripe) {
      throw new ConnectorError('permission_missing', {
        message: error.message,
        remedy: 'Give the key read permission for the account, or put its id into account_id.',
        cause: error,
      });
    }
    // A redirect is not followed: the key would go where nobody sent it.
    if (error.status === 404 || (error.status < 500 && !error.isFromStripe)) {
      throw new ConnectorError('response_invalid', {
        message: `There is no Stripe API at ${config.base_url}: ${error.message}`,
        remedy: 'Check base_url, and the proxy if there is one.',
        cause: error,
      });
    }
    throw toConnectorError(error);
  }
}

function readAccount(body: Buffer): z.output<typeof accountSchema> {
  try {
    return accountSchema.parse(JSON.parse(body.toString()));
  } catch (cause) {
    const shown = JSON.stringify(body.toString('utf8', 0, 120));
    const message = `GET /v1/account answered something that is not an account. It begins ${shown}.`;
    throw new ConnectorError('response_invalid', { message, remedy: 'Check base_url.', cause });
  }
}
