import { describe, expect, it } from 'vitest';
import { resolveAccount } from './account.ts';
import { configSchema } from './config.ts';
import type { StripeReader } from './stripe-client.ts';
import { StripeResponseError } from './stripe-error.ts';

const never = new AbortController().signal;
const type = 'invalid_request_error';
const headers = { requestId: undefined, retryAfterMs: undefined, shouldRetry: undefined };

/** Answers each request with a status and a body. */
function answering(status: number, body: unknown): Pick<StripeReader, 'get'> {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return {
    async get(path) {
      if (status === 200) return { body: bytes, date: 0 };
      throw new StripeResponseError(path, status, bytes, headers);
    },
  };
}

function resolve(reader: Pick<StripeReader, 'get'>, config: Record<string, unknown> = {}) {
  return resolveAccount(configSchema.parse({ api_key: 'sk_test_1', ...config }), reader, never);
}

const forbidden = { error: { type, message: 'The provided key does not have the required permissions' } };
const badVersion = { error: { type, message: 'Invalid Stripe API version: 2099-01-01' } };

describe('resolveAccount', () => {
  it('takes id, age and name as Stripe says them', async () => {
    const settings = { dashboard: { display_name: 'Shop' } };
    const reader = answering(200, { id: 'acct_1', created: 1000, settings });
    expect(await resolve(reader)).toEqual({ id: 'acct_1', created: 1000, displayName: 'Shop' });
    expect(await resolve(reader, { account_created: 500 })).toMatchObject({ created: 500 });
    expect(await resolve(answering(200, { id: 'acct_1' }))).toMatchObject({ created: Date.UTC(2011, 0, 1) / 1000 });
  });

  it('takes the id of the config where the key may not read the account', async () => {
    const config = { account_id: 'acct_2', account_created: 7 };
    expect(await resolve(answering(403, forbidden), config)).toMatchObject({ id: 'acct_2', created: 7 });
  });

  it.each([
    ['an account other than the one of the config', 200, { id: 'acct_1' }, 'config_invalid', 'account_id is acct_2'],
    ['a version that is refused', 400, badVersion, 'request_refused', 'Invalid Stripe API version'],
    ['a refused key', 401, { error: { type } }, 'credentials_refused', 'refused the API key'],
    ['a redirect', 301, '', 'response_invalid', 'There is no Stripe API at https://api.stripe.com'],
    ['a proxy that says no', 403, '<h1>Blocked</h1>', 'response_invalid', 'There is no Stripe API'],
    ['a server error', 503, '<h1>Sorry</h1>', 'upstream_failed', 'HTTP 503'],
    ['a page of HTML', 200, '<h1>Hello</h1>', 'response_invalid', 'something that is not an account'],
  ])('ends with an error on %s, even where the config names the account', async (_, status, body, code, text) => {
    const error = resolve(answering(status, body), { account_id: 'acct_2' });
    await expect(error).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  });

  it('asks for the permission or the id where it has neither', async () => {
    await expect(resolve(answering(403, forbidden))).rejects.toMatchObject({
      code: 'permission_missing',
      text: expect.stringContaining('account_id'),
    });
  });
});
