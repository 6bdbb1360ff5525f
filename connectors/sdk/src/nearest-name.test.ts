import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

test.each([
  ['api_kye', 'api_key'],
  ['apikey', 'api_key'],
  ['base-url', 'base_url'],
  ['rate', undefined],
  ['xxxxxxxx', undefined],
  ['', undefined],
])('%j is near to %j', (name, near) => {
  expect(nearestName(name, ['api_key', 'base_url', 'schema', 'connections'])).toBe(near);
});
