import * as z from 'zod';
import { DEFAULT_API_VERSION } from './streams/stream-table.ts';

/** Requests a second when the config doesn't say: a fifth of what Stripe allows a live key, less than half for others. */
const LIVE_RATE = 20;
const TEST_RATE = 10;

/** The year 5138: later times are milliseconds, and would make every list look empty. */
const SECONDS_MAX = 99_999_999_999;

/** Configuration of the source. The descriptions are what users read in `--help` and in the docs. */
export const configSchema = z.strictObject({
  api_key: z
    .string()
    .regex(/^\S+$/, 'must be a key without spaces')
    .refine(
      (key) => !key.startsWith('pk_'),
      'is a publishable key; a secret key (sk_…) or a restricted key (rk_…) is needed',
    )
    .meta({
      secret: true,
      description:
        'Secret or restricted key of the account (sk_… or rk_…) with read permission for what is to be read.',
    }),
  api_version: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(\.\w+)?$/, 'must look like 2026-10-28.endive')
    .optional()
    .meta({
      description: `Version of Stripe's API to ask for: ${DEFAULT_API_VERSION}, or that of openapi_path, unless set. The schemas of the streams are of that.`,
    }),
  base_url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/[?#@]/.test(url), 'must have no user name, query or fragment')
    .default('https://api.stripe.com')
    .meta({ description: 'Where the API is. All requests go there.' }),
  account_id: z
    .string()
    .regex(/^acct_\w+$/, 'must look like acct_…')
    .optional()
    .meta({ description: 'Id of the account, for keys that may not read /v1/account. Found out when absent.' }),
  account_created: z.int().nonnegative().max(SECONDS_MAX, 'must be in seconds').optional().meta({
    description:
      'When the account was created, in seconds since 1970: nothing older is looked for. Found out when absent.',
  }),
  rate_limit: z
    .number()
    .positive()
    .optional()
    .meta({
      description: `Requests a second, over all streams. Without it ${LIVE_RATE} for a live key and ${TEST_RATE} for any other.`,
    }),
  max_concurrent_streams: z.int().positive().optional().meta({
    description: 'Streams that are read side by side beyond their first page. Follows from the rate when absent.',
  }),
  backfill_limit: z.int().positive().optional().meta({
    description:
      'Newest records of each stream that are enough. The rest is left for a run with a higher limit, or without one.',
  }),
  poll_events: z
    .number()
    .min(1)
    .optional()
    .meta({ description: 'Keep on reading until stopped, and look for changes every so many seconds.' }),
  reread_after_s: z.int().nonnegative().default(86_400).meta({
    description: "Age at which a list is read whole again whose changes Stripe's events don't tell of; 0: in each run.",
  }),
  revalidate_objects: z.array(z.string()).default([]).meta({
    description:
      'Kinds of objects (as in their `object`, e.g. invoice) to fetch again in place of what an event shows.',
  }),
  webhook_secret: z.string().startsWith('whsec_', 'must look like whsec_…').optional().meta({
    secret: true,
    description: 'Signing secret of the webhook endpoint: events of --source-input without its signature are refused.',
  }),
  webhook_url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ description: 'Where `setup` lets Stripe send events to; `teardown` takes that back.' }),
  openapi_path: z.string().min(1).optional().meta({
    description: "Stripe's OpenAPI description (spec3.json) of another API version, to take the streams from.",
  }),
});

/** The checked config, with its defaults. */
export type StripeConfig = z.output<typeof configSchema>;

/** The base URL without slashes at its end. */
export function baseUrlOf(config: StripeConfig): string {
  return config.base_url.replace(/\/+$/, '');
}

/** Requests a second. */
export function rateOf(config: StripeConfig): number {
  return config.rate_limit ?? (/^[sr]k_live_/.test(config.api_key) ? LIVE_RATE : TEST_RATE);
}

/** Lists side by side beyond their first page, where the config doesn't say: no limit but that of the requests. */
export function concurrentStreamsOf(config: StripeConfig): number {
  return config.max_concurrent_streams ?? Number.POSITIVE_INFINITY;
}
