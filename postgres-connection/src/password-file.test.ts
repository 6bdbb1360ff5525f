import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPassword, readPasswordFile } from './password-file.ts';

const place = { host: 'db', port: 5432, database: 'shop', user: 'sync' };

describe('a password file', () => {
  it.each([
    ['db:5432:shop:sync:one', 'one'],
    ['*:*:*:*:any', 'any'],
    ['# db:5432:shop:sync:no\nother:*:*:*:no\ndb:5433:*:*:no\ndb:*:shop:sync:yes\n*:*:*:*:late', 'yes'],
    ['db:*:*:sync:with\\:colon\\\\', 'with:colon\\'],
    ['db:*:*:sync:windows\r\n', 'windows'],
    ['db:*:*:somebody:no', undefined],
    ['db:*:*:sync', undefined],
    ['', undefined],
  ])('%j gives %s', (text, password) => {
    expect(findPassword(text, place)).toBe(password);
  });

  it('says localhost for a Unix socket', () => {
    expect(findPassword('localhost:*:*:*:local', { ...place, host: '/var/run' })).toBe('local');
  });

  it('that was asked for has to be there, and the usual one need not', async () => {
    expect((await readPasswordFile(undefined, '/nowhere/.pgpass'))(place)).toBeUndefined();
    await expect(readPasswordFile('/nowhere/mine', '/nowhere/.pgpass')).rejects.toThrow(/\/nowhere\/mine/);
    const path = join(await mkdtemp(join(tmpdir(), 'pgpass-')), 'mine');
    await writeFile(path, '*:*:*:*:found');
    expect((await readPasswordFile(path, '/nowhere/.pgpass'))(place)).toBe('found');
  });
});
