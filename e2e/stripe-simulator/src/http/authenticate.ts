import { keyInvalid, keyMissing } from './stripe-error.ts';

/**
 * The key of a request, given as a bearer token or as the user name of basic authentication.
 *
 * @param only the one key that is let in; any `sk_test_…`, `sk_live_…` or `rk_…` where undefined
 * @throws StripeError 401
 */
export function authenticate(authorization: string | undefined, only: string | undefined): string {
  const key = readKey(authorization);
  if (!key) throw keyMissing();
  const fits = only === undefined ? /^(sk_test|sk_live|rk_test|rk_live|rk)_\w+$/.test(key) : key === only;
  if (!fits) throw keyInvalid(key);
  return key;
}

function readKey(authorization: string | undefined): string | undefined {
  const [scheme = '', value = ''] = (authorization ?? '').split(' ');
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() === 'basic') return Buffer.from(value, 'base64').toString().split(':')[0];
  return undefined;
}
