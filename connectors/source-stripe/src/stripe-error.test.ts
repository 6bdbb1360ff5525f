import { describe, expect, it } from 'vitest';
import { streams } from './streams/stream-table.ts';
import { StripeResponseError, troubleOf } from './stripe-error.ts';

const headers = { requestId: 'req_1', retryAfterMs: undefined, shouldRetry: undefined };
const cards = streams.get('issuing_cards')!;

function answered(status: number, error: Record<string, unknown> | undefined): StripeResponseError {
  const body = error === undefined ? '<html>' : JSON.stringify({ error });
  return new StripeResponseError('/v1/issuing/cards', status, Buffer.from(body), headers);
}

describe('troubleOf', () => {
  const type = 'invalid_request_error';
  it.each([
    [401, { type, message: 'Invalid API Key provided: sk_test_****1234' }, 'run_error', 'credentials_refused'],
    [403, { type, message: 'The provided key does not have the required permissions' }, 'skip', undefined],
    [400, { type, message: 'Your account is not set up to use Issuing.' }, 'skip', undefined],
    [404, { type, message: 'Unrecognized request URL (GET: /v1/issuing/cards).' }, 'skip', undefined],
    [400, { type, code: 'parameter_missing', param: 'customer', message: 'Missing' }, 'skip', undefined],
    [400, { type, code: 'parameter_unknown', param: 'created', message: 'Unknown' }, 'stream_error', 'request_refused'],
    [400, { type, param: 'limit', message: 'Bad limit' }, 'stream_error', 'request_refused'],
    [404, undefined, 'stream_error', 'request_refused'],
    [400, undefined, 'stream_error', 'request_refused'],
    [403, undefined, 'stream_error', 'request_refused'],
    [302, undefined, 'stream_error', 'request_refused'],
    [500, { type: 'api_error', message: 'Sorry' }, 'stream_error', 'upstream_failed'],
    [409, { type, code: 'lock_timeout', message: 'Locked' }, 'stream_error', 'upstream_failed'],
    [429, { type, message: 'Too many' }, 'stream_error', 'rate_limited'],
  ])('takes %d %o as %s', (status, error, kind, code) => {
    const trouble = troubleOf(answered(status, error), cards);
    expect(trouble.kind).toBe(kind);
    if (trouble.kind !== 'skip') expect(trouble.error.code).toBe(code);
  });

  it('takes no refusal in the middle of a list for a product that is missing', () => {
    const refused = answered(400, { type, message: 'Your account is not set up to use Issuing.' });
    expect(troubleOf(refused, cards, true)).toMatchObject({ kind: 'stream_error', error: { code: 'request_refused' } });
  });

  it('says how to get access, and names the product', () => {
    expect(troubleOf(answered(403, { type, message: 'no' }), cards)).toMatchObject({
      reason: expect.stringContaining('https://dashboard.stripe.com/apikeys'),
    });
    expect(troubleOf(answered(400, { type, message: 'no' }), cards)).toMatchObject({
      reason: expect.stringContaining('Enable Issuing'),
    });
  });

  it("doesn't repeat what Stripe says of a key", () => {
    const trouble = troubleOf(answered(401, { type, message: 'Invalid API Key provided: sk_test_****1234' }), cards);
    expect(JSON.stringify(trouble.kind === 'skip' ? '' : trouble.error.text)).not.toContain('1234');
  });
});
