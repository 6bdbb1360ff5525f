import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

const METHOD = 'scrypt';
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/**
 * A text by which the same config is known again. It tells nothing of the config: a salted hash, and one that is slow to
 * compute (some 50 ms), since a config can have a password that is easy to guess in it (P7).
 */
export async function fingerprintConfig(config: unknown): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await hashOf(config, salt);
  return [METHOD, salt.toString('base64url'), hash.toString('base64url')].join(':');
}

/** Whether the fingerprint is of this config, whatever the order of its keys. One that can't be read is of none. */
export async function isFingerprintOf(fingerprint: string, config: unknown): Promise<boolean> {
  const [method, salt, hash] = fingerprint.split(':');
  if (method !== METHOD || salt === undefined || hash === undefined) return false;
  const found = await hashOf(config, Buffer.from(salt, 'base64url'));
  const expected = Buffer.from(hash, 'base64url');
  return expected.length === found.length && timingSafeEqual(expected, found);
}

function hashOf(config: unknown, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(JSON.stringify(inOrder(config)) ?? '', salt, HASH_BYTES, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}

/** The value with the keys of its objects in order. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, inOrder(inner)]));
}
