import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { docker, endOfDocker } from '../src/testing/docker.ts';
import { type Base, provideBase } from './bases.ts';

let folder: string;
let part: string;
let base: Base;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-base-test-'));
  part = join(folder, 'part');
  await writeFile(part, 'one');
  base = {
    // Nothing listens there, so it can't be pulled.
    image: `127.0.0.1:1/penstock-base-test-${process.pid}:latest`,
    parts: async () => [part],
    make: async (root) => {
      await root.copy(part, 'part');
      return ['CMD ["/part"]'];
    },
  };
});

afterEach(async () => {
  await endOfDocker('image', 'rm', '--force', base.image);
  await rm(folder, { recursive: true });
});

const idOf = (image: string): Promise<string> => docker('image', 'inspect', '--format', '{{.Id}}', image);

it('makes a base that can not be pulled, leaves it as it is, and makes it again when a part of it changed', async () => {
  await provideBase(base);
  const first = await idOf(base.image);
  await provideBase(base);
  expect(await idOf(base.image)).toBe(first);
  await writeFile(part, 'two');
  await provideBase(base);
  expect(await idOf(base.image)).not.toBe(first);
  await writeFile(part, 'one');
  await provideBase(base);
  // The builder knows it still, so that it costs nothing.
  expect(await idOf(base.image)).toBe(first);
});

it('never replaces an image that was not made here', async () => {
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY part /\n');
  await docker('build', '--quiet', '--tag', base.image, folder);
  const foreign = await idOf(base.image);
  await provideBase(base);
  expect(await idOf(base.image)).toBe(foreign);
});

it('says which base could not be made, and leaves none of that name', async () => {
  await expect(provideBase({ ...base, make: async () => ['NONSENSE'] })).rejects.toThrow(`Making ${base.image} failed`);
  expect((await endOfDocker('image', 'inspect', base.image)).code).not.toBe(0);
});
