import { expect, it } from 'vitest';
import { toStoreError } from './postgres-error.ts';

const place = { host: 'warehouse', port: 5432, database: 'd', user: 'u', schema: 'penstock' };

it('a host that only the destination may know is said to be one that the engine has to reach', () => {
  const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND warehouse'), { code: 'ENOTFOUND' });
  expect(toStoreError(unknown, place).remedy).toMatch(/^The engine itself has to reach it/);
  expect(toStoreError(new Error('connection reset'), place).remedy).toMatch(/^Check the state database/);
});

it('says what localhost is in a container, when nobody answers there', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(toStoreError(refused, { ...place, host: 'localhost' }).remedy).toContain('localhost is the container itself');
  expect(toStoreError(refused, { ...place, host: 'db.example' }).remedy).not.toContain('localhost');
});
