import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintConfig, isFingerprintOf } from './config-fingerprint.ts';
import { mergeUnder, resolvedBeyond } from './resolved-config.ts';

const schema = {
  type: 'object',
  properties: {
    key: { type: 'string' },
    rate: { type: 'integer', default: 20 },
    account: { type: 'string' },
    limits: { type: 'object', properties: { pages: { type: 'integer', default: 5 }, rows: { type: 'integer' } } },
    hosts: { type: 'array', items: { type: 'string' } },
  },
};

describe('what a whole config has beyond the one that was given', () => {
  it.each([
    ['nothing, when it is the same', { key: 'a' }, { key: 'a' }, {}],
    ['keys that were added', { key: 'a' }, { key: 'a', account: 'x', hosts: ['h'] }, { account: 'x', hosts: ['h'] }],
    ['no defaults, at any depth', { key: 'a' }, { key: 'a', rate: 20, limits: { pages: 5 } }, {}],
    [
      'other values than the defaults',
      { key: 'a' },
      { rate: 21, limits: { pages: 6 } },
      { rate: 21, limits: { pages: 6 } },
    ],
    ['no other value of what was given', { key: 'a', hosts: ['h'] }, { key: 'b', hosts: ['h', 'i'] }, {}],
    [
      'only the inner key that was added',
      { limits: { pages: 1 } },
      { limits: { pages: 2, rows: 3 } },
      { limits: { rows: 3 } },
    ],
    ['no object in the place of another value', { limits: null }, { limits: { rows: 3 } }, {}],
    ['a null that was added', {}, { account: null }, { account: null }],
  ])('is %s', (_case, given, whole, expected) => {
    expect(resolvedBeyond(given, whole, schema)).toEqual(expected);
  });

  it('put under what was given, changes nothing of that', () => {
    const config = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.integer(), fc.dictionary(fc.constantFrom('d', 'e'), fc.integer())),
    );
    fc.assert(
      fc.property(config, config, (given, whole) => {
        const merged = mergeUnder(resolvedBeyond(given, whole, {}), given);
        expect(merged).toMatchObject(given);
        // Once is enough.
        expect(resolvedBeyond(merged, whole, {})).toEqual({});
      }),
    );
  });
});

describe('the fingerprint of a config', () => {
  it('is of the same config in any order of keys, of no other one, and never twice the same', async () => {
    const config = { api_key: 'sk_1', nested: { a: 1, b: [1, 2] } };
    const fingerprint = await fingerprintConfig(config);
    expect(await isFingerprintOf(fingerprint, { nested: { b: [1, 2], a: 1 }, api_key: 'sk_1' })).toBe(true);
    for (const other of [{}, { ...config, api_key: 'sk_2' }, { ...config, nested: { a: 1, b: [2, 1] } }]) {
      expect(await isFingerprintOf(fingerprint, other)).toBe(false);
    }
    expect(fingerprint).not.toContain('sk_1');
    expect(await fingerprintConfig(config)).not.toBe(fingerprint);
  });

  it('that can not be read is of none', async () => {
    for (const text of ['', 'x', 'md5:a:b', 'scrypt:', 'scrypt:a:'])
      expect(await isFingerprintOf(text, {})).toBe(false);
  });
});
