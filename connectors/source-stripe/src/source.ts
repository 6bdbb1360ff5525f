import { type Source, type SourceContext, systemClock } from '@penstock/connector-sdk';
import packageJson from '../package.json' with { type: 'json' };
import { CHECK_RETRIES, resolveAccount } from './account.ts';
import { readBackfill } from './backfill/read-backfill.ts';
import { baseUrlOf, configSchema, pageSlotsOf, rateOf, type StripeConfig } from './config.ts';
import { streamStateSchema } from './ranges/stream-state.ts';
import { RateLimit } from './rate-limit.ts';
import { describeStreams } from './streams/stream-table.ts';
import type { StripeClient } from './stripe-client.ts';

async function connect({ config, log }: SourceContext<StripeConfig>): Promise<StripeClient> {
  // Loaded when it is needed: its HTTP library is most of what `spec` and `discover` would wait for.
  const { StripeClient } = await import('./stripe-client.ts');
  return new StripeClient({
    apiKey: config.api_key,
    apiVersion: config.api_version,
    baseUrl: baseUrlOf(config),
    rateLimit: new RateLimit(rateOf(config), systemClock),
    clock: systemClock,
    log,
    connections: pageSlotsOf(config),
    random: Math.random,
  });
}

/** Stripe's lists as streams. */
export const stripeSource: Source<typeof configSchema> = {
  name: 'stripe',
  version: packageJson.version,
  description: 'Reads the lists of a Stripe account.',
  config: configSchema,
  streamState: streamStateSchema,

  async check(context) {
    const client = await connect(context);
    try {
      const account = await resolveAccount(context.config, client, context.signal, CHECK_RETRIES);
      const name = account.displayName === undefined ? '' : ` (${account.displayName})`;
      return `The key reads the account ${account.id}${name}.`;
    } finally {
      await client.close();
    }
  },

  async discover() {
    return { streams: await describeStreams() };
  },

  async *read(context) {
    const client = await connect(context);
    try {
      yield* readBackfill(context, client, systemClock);
    } finally {
      await client.close();
    }
  },
};
