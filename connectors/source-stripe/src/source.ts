import { type Source, type SourceContext, systemClock } from '@penstock/connector-sdk';
import packageJson from '../package.json' with { type: 'json' };
import { CHECK_RETRIES, resolveAccount } from './account.ts';
import { SLOTS_MAX } from './backfill/slots.ts';
import { baseUrlOf, configSchema, rateOf, type StripeConfig } from './config.ts';
import { webhookInputSchema } from './events/webhook-input.ts';
import { streamStateSchema } from './ranges/stream-state.ts';
import { RateLimit } from './rate-limit.ts';
import { readStripe } from './read/read-stripe.ts';
import { setUp, tearDown } from './setup.ts';
import { builtInTable, type StreamTable } from './streams/stream-table.ts';
import type { StripeClient } from './stripe-client.ts';

/** The streams of the API version that is asked for. */
async function tableOf({ openapi_path }: StripeConfig): Promise<StreamTable> {
  if (openapi_path === undefined) return builtInTable;
  const { readOpenApiTable } = await import('./streams/openapi-table.ts');
  return readOpenApiTable(openapi_path);
}

async function connect({ config, log }: SourceContext<StripeConfig>, table: StreamTable): Promise<StripeClient> {
  // Loaded when it is needed: its HTTP library is most of what `spec` and `discover` would wait for.
  const { StripeClient } = await import('./stripe-client.ts');
  return new StripeClient({
    apiKey: config.api_key,
    apiVersion: config.api_version ?? table.apiVersion,
    baseUrl: baseUrlOf(config),
    rateLimit: new RateLimit(rateOf(config), systemClock),
    clock: systemClock,
    log,
    connections: SLOTS_MAX,
    random: Math.random,
  });
}

/** Stripe's lists as streams. */
export const stripeSource: Source<typeof configSchema> = {
  name: 'stripe',
  version: packageJson.version,
  description: 'Reads the lists of a Stripe account, and what changes in them.',
  config: configSchema,
  streamState: streamStateSchema,
  sourceInput: webhookInputSchema,

  async check(context) {
    const client = await connect(context, await tableOf(context.config));
    try {
      const account = await resolveAccount(context.config, client, context.signal, CHECK_RETRIES);
      const name = account.displayName === undefined ? '' : ` (${account.displayName})`;
      return `The key reads the account ${account.id}${name}.`;
    } finally {
      await client.close();
    }
  },

  async discover({ config }) {
    const table = await tableOf(config);
    return { streams: await table.describe() };
  },

  async *read(context) {
    const table = await tableOf(context.config);
    const client = await connect(context, table);
    try {
      yield* readStripe(context, client, table, systemClock);
      const { requests, retries, tooManyRequests } = client.counts;
      const text = `Stripe answered ${requests} requests; ${retries} of them were retries, ${tooManyRequests} were refused with 429.`;
      context.log.info(text);
    } finally {
      await client.close();
    }
  },

  async setup(context) {
    const table = await tableOf(context.config);
    const client = await connect(context, table);
    try {
      return await setUp(context, client, context.config.api_version ?? table.apiVersion);
    } finally {
      await client.close();
    }
  },

  async teardown(context) {
    const client = await connect(context, await tableOf(context.config));
    try {
      await tearDown(context, client);
    } finally {
      await client.close();
    }
  },
};
