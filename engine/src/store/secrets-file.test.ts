import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { secretsFile } from './secrets-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-secrets-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kept = { source: { given: 'f', config: { webhook_secret: 'whsec' } } };

it('gives back what was saved, from a file that only its owner can read, and removes an empty one', async () => {
  const file = secretsFile(join(folder, 'secrets'), 'p', 'here');
  expect(await file.load()).toEqual({});
  await file.save(kept);
  expect(await file.load()).toEqual(kept);
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'secrets'))).toHaveLength(1);
  await file.save({});
  expect(readdirSync(join(folder, 'secrets'))).toEqual([]);
  await file.save({});
});

it('is another one for each pipeline and each place of its state, whatever the name', () => {
  const paths = [
    ['p', 'here'],
    ['p', 'there'],
    ['../p', 'here'],
    ['..', 'here'],
    ['a/b', 'here'],
    ['a_b', 'here'],
    ['x'.repeat(200), 'here'],
  ].map(([name, place]) => secretsFile(folder, name!, place!).path);
  expect(new Set(paths).size).toBe(paths.length);
  for (const path of paths) {
    expect(join(path, '..')).toBe(folder);
    expect(path.length - folder.length).toBeLessThan(100);
  }
});

it.each(['', '{', '[]', '{"source":{"given":1}}'])(
  'holds nothing when something else stands in it: %j',
  async (text) => {
    const file = secretsFile(folder, 'p', 'here');
    writeFileSync(file.path, text);
    expect(await file.load()).toEqual({});
  },
);

it('leaves no draft where it can not be written', async () => {
  writeFileSync(join(folder, 'taken'), '');
  await expect(secretsFile(join(folder, 'taken'), 'p', 'here').save(kept)).rejects.toThrow(/EEXIST|ENOTDIR/);
  expect(readdirSync(folder)).toEqual(['taken']);
});
