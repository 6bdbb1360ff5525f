import { z } from 'zod';
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
    .default(DEFAULT_API_VERSION)
    .meta({ description: "Version of Stripe's API to ask for. The schemas of the streams are of the default." }),
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

/** Requests are taken to be answered within so many seconds when slots are counted; slower ones lower the speed. */
const EXPECTED_LATENCY_S = 2;
const SLOTS_MIN = 4;
/** Bounds the memory too: a page is rarely larger than 1 MiB (P4). */
const SLOTS_MAX = 64;

/** Pages that are under way or wait to be written, over all streams. */
export function pageSlotsOf(config: StripeConfig): number {
  return Math.min(SLOTS_MAX, Math.max(SLOTS_MIN, Math.ceil(rateOf(config) * EXPECTED_LATENCY_S)));
}

/** Streams side by side beyond their first page: each has a page being written and the next one under way. */
export function concurrentStreamsOf(config: StripeConfig): number {
  return config.max_concurrent_streams ?? Math.ceil(pageSlotsOf(config) / 2);
}
