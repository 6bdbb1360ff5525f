import { describe, expect, it } from 'vitest';
import { baseUrlOf, concurrentStreamsOf, configSchema, rateOf } from './config.ts';

const parse = (extra: Record<string, unknown>) => configSchema.parse({ api_key: 'sk_test_1', ...extra });

describe('the config', () => {
  it.each([
    ['sk_live_1', 20],
    ['rk_live_1', 20],
    ['sk_test_1', 10],
    ['rk_test_1', 10],
  ])('gives the key %s %d requests a second, unless it says otherwise', (api_key, rate) => {
    expect(rateOf(parse({ api_key }))).toBe(rate);
    expect(rateOf(parse({ api_key, rate_limit: 5000 }))).toBe(5000);
  });

  it.each([
    ['a publishable key', { api_key: 'pk_test_1' }],
    ['a key with a line break', { api_key: 'sk_test_1\n' }],
    ['an empty key', { api_key: '' }],
    ['no rate', { rate_limit: 0 }],
    ['a rate that is a word', { rate_limit: 'none' }],
    ['a base URL without a scheme', { base_url: 'localhost:12111' }],
    ['a base URL of another kind', { base_url: 'ftp://example.com' }],
    ['a base URL with a user name', { base_url: 'https://user:word@example.com' }],
    ['a base URL with a query', { base_url: 'https://example.com/?a=b' }],
    ['a time of the account in milliseconds', { account_created: 1_700_000_000_000 }],
    ['an account that is none', { account_id: 'cus_1' }],
    ['half a stream', { max_concurrent_streams: 0.5 }],
    ['a limit of nothing', { backfill_limit: 0 }],
    ['an unknown key', { api_keys: 'sk_test_1' }],
    ['a version that is none', { api_version: 'latest' }],
    ['looking for changes all the time', { poll_events: 0 }],
    ['a signing secret that is none', { webhook_secret: 'sk_test_1' }],
    ['a webhook that is no URL', { webhook_url: 'example.com/hook' }],
    ['a kind that is not a list of kinds', { revalidate_objects: 'invoice' }],
    ['lists that are read again before they were read', { reread_after_s: -1 }],
  ])('refuses %s', (_, extra) => {
    expect(configSchema.safeParse({ api_key: 'sk_test_1', ...extra }).success).toBe(false);
  });

  it('takes a base URL with or without a slash at its end', () => {
    expect(baseUrlOf(parse({ base_url: 'http://localhost:1/stripe/' }))).toBe('http://localhost:1/stripe');
    expect(baseUrlOf(parse({}))).toBe('https://api.stripe.com');
  });

  it('bounds the streams that are read at once only where it is told to', () => {
    expect(concurrentStreamsOf(parse({ max_concurrent_streams: 3 }))).toBe(3);
    expect(concurrentStreamsOf(parse({}))).toBe(Number.POSITIVE_INFINITY);
  });

  it('marks what is secret, and describes every key', () => {
    const schema = configSchema.toJSONSchema({ io: 'input' }) as {
      properties: Record<string, Record<string, unknown>>;
    };
    const secrets = Object.keys(schema.properties).filter((key) => schema.properties[key]?.secret === true);
    expect(secrets).toEqual(['api_key', 'webhook_secret']);
    for (const [key, property] of Object.entries(schema.properties))
      expect(property.description, key).toBeTypeOf('string');
  });
});
