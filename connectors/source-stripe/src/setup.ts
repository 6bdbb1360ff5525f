import { isDeepStrictEqual } from 'node:util';
import type { ControlPayload, SourceContext } from '@penstock/connector-sdk';
import { EARLIEST_CREATED, resolveAccount } from './account.ts';
import { configSchema, type StripeConfig } from './config.ts';
import type { StripeClient } from './stripe-client.ts';
import { ensureWebhookEndpoint, removeWebhookEndpoint } from './webhook-endpoint.ts';

/** The config without what is the default anyway: a default of a later version is to hold then. */
function withoutDefaults(config: StripeConfig): Record<string, unknown> {
  const defaults: Record<string, unknown> = configSchema.parse({ api_key: config.api_key });
  return Object.fromEntries(
    Object.entries(config).filter(
      ([key, value]) => value !== undefined && (key === 'api_key' || !isDeepStrictEqual(value, defaults[key])),
    ),
  );
}

/**
 * Finds out whose key it is and since when the account exists, and makes the webhook endpoint where there is to be one.
 *
 * @returns the whole config, with what was found out
 * @throws ConnectorError when Stripe refuses the key, or what is asked with it
 */
export async function setUp(
  { config, log, signal }: SourceContext<StripeConfig>,
  client: StripeClient,
  apiVersion: string,
): Promise<ControlPayload> {
  const account = await resolveAccount(config, client, signal);
  const created = account.created === EARLIEST_CREATED ? {} : { account_created: account.created };
  const secret =
    config.webhook_url === undefined
      ? config.webhook_secret
      : await ensureWebhookEndpoint(config.webhook_url, apiVersion, config.webhook_secret, { client, log, signal });
  return {
    control_type: 'source_config',
    source_config: {
      ...withoutDefaults(config),
      account_id: account.id,
      ...created,
      ...(secret === undefined ? {} : { webhook_secret: secret }),
    },
  };
}

/** Takes back what {@link setUp} made. @throws ConnectorError when Stripe refuses */
export async function tearDown(
  { config, log, signal }: SourceContext<StripeConfig>,
  client: StripeClient,
): Promise<void> {
  if (config.webhook_url === undefined) log.info('There is nothing to take back: webhook_url is not set.');
  else await removeWebhookEndpoint(config.webhook_url, { client, log, signal });
}
