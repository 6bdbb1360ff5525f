import { describe, expect, it } from 'vitest';
import { baseUrlOf, concurrentStreamsOf, configSchema, pageSlotsOf, rateOf } from './config.ts';

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
  ])('refuses %s', (_, extra) => {
    expect(configSchema.safeParse({ api_key: 'sk_test_1', ...extra }).success).toBe(false);
  });

  it('takes a base URL with or without a slash at its end', () => {
    expect(baseUrlOf(parse({ base_url: 'http://localhost:1/stripe/' }))).toBe('http://localhost:1/stripe');
    expect(baseUrlOf(parse({}))).toBe('https://api.stripe.com');
  });

  it('bounds pages and streams at any rate', () => {
    expect(pageSlotsOf(parse({ rate_limit: 0.1 }))).toBeGreaterThan(1);
    expect(pageSlotsOf(parse({ rate_limit: 1e9 }))).toBe(64);
    expect(concurrentStreamsOf(parse({ max_concurrent_streams: 3 }))).toBe(3);
  });

  it('marks the key as secret and describes every key', () => {
    const schema = configSchema.toJSONSchema({ io: 'input' }) as {
      properties: Record<string, Record<string, unknown>>;
    };
    expect(schema.properties.api_key?.secret).toBe(true);
    for (const [key, property] of Object.entries(schema.properties))
      expect(property.description, key).toBeTypeOf('string');
  });
});
