import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { bundlePrograms } from './bundle.ts';
import { repositoryRoot } from './program.ts';

/**
 * Vitest global set-up: bundles the programs as users have them, for this run alone, and says where they are in
 * PENSTOCK_TEST_PROGRAMS, a folder to be put on PATH. A scenario starts dozens of them; from its sources each reads hundreds of files.
 */
export default async function setup(): Promise<() => Promise<void>> {
  // In the repository, where they find what is too big for a bundle: the binaries of Postgres.
  const cache = path.join(repositoryRoot, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(path.join(cache, 'penstock-programs-'));
  await bundlePrograms(folder);
  const names = await readdir(folder);
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  for (const name of names) await symlink(path.join('..', name, 'main.mjs'), path.join(bin, name));
  // A server that runs as another user may start there.
  await chmod(folder, 0o755);
  process.env.PENSTOCK_TEST_PROGRAMS = bin;
  return () => rm(folder, { recursive: true, force: true });
}
