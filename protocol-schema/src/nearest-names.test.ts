import { expect, test } from 'vitest';
import { nearestNames } from './nearest-names.ts';

const keys = ['api_key', 'base_url', 'schema', 'connections', 'checkout_sessions', 'customers', 'rate_limit'];

test.each([
  ['api_kye', 'api_key'],
  ['apikey', 'api_key'],
  ['BASE-URL', 'base_url'],
  ['sessions', 'checkout_sessions'],
  ['rate', 'rate_limit'],
  ['custmers', 'customers'],
  ['ratelimits', 'rate_limit'],
])('%j was probably meant to be %j', (name, meant) => {
  expect(nearestNames(name, keys)[0]).toBe(meant);
});

test.each(['xxxxxxxx', '', '-', 'zz', 'a'.repeat(1_000_000)])('nothing is near to %.10j', (name) => {
  expect(nearestNames(name, keys)).toEqual([]);
});

test('at most three names are suggested, the nearest first', () => {
  expect(nearestNames('customer', ['customer_a', 'customer_bb', 'customers', 'custome', 'my_customer'])).toHaveLength(
    3,
  );
  expect(nearestNames('customer', ['customer_bb', 'customers'])[0]).toBe('customers');
});
