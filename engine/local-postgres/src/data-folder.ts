import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries, PostgresVersion } from './binaries.ts';
import { LocalPostgresError } from './error.ts';
import { canReach, findUnprivilegedUser, isRoot, type UnprivilegedUser } from './unprivileged-user.ts';

/** A folder of ours: `data` (Postgres's own folder), `password`, `postgres.log`. */
export type DataFolder = {
  readonly root: string;
  readonly data: string;
  readonly logFile: string;
  readonly password: string;
  /** Who runs the server; undefined is this process's own user. */
  readonly user: UnprivilegedUser | undefined;
};

/** Makes a folder for a server that is thrown away. */
export async function makeThrowawayFolder(): Promise<{ root: string; user: UnprivilegedUser | undefined }> {
  const user = isRoot() ? findUnprivilegedUser() : undefined;
  const parent =
    [tmpdir(), '/tmp', '/var/tmp'].find((folder) => !user || canReach(join(folder, 'x'), user)) ?? tmpdir();
  const root = await mkdtemp(join(parent, 'penstock-postgres-'));
  if (user) await chown(root, user.uid, user.gid);
  return { root, user };
}

/**
 * Makes or finds the folder of a server that is kept. As root, the server's user may not be able to reach `path` (root's
 * home is private): then the data lies in /var/lib and `path` is a symbolic link to it.
 */
export async function makeKeptFolder(path: string): Promise<{ root: string; user: UnprivilegedUser | undefined }> {
  const wanted = resolve(path);
  if (!isRoot()) {
    await mkdir(wanted, { recursive: true, mode: 0o700 });
    return { root: await realpath(wanted), user: undefined };
  }
  const existing = existsSync(wanted) ? await realpath(wanted) : undefined;
  const user = findUnprivilegedUser(existing ? (await stat(existing)).uid : undefined);
  if (existing && canReach(existing, user)) {
    await chown(existing, user.uid, user.gid);
    return { root: existing, user };
  }
  await mkdir(dirname(wanted), { recursive: true });
  if (canReach(wanted, user)) {
    await mkdir(wanted, { recursive: true, mode: 0o700 });
    await chown(wanted, user.uid, user.gid);
    return { root: wanted, user };
  }
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  const shared = '/var/lib/penstock-postgres';
  const root = join(shared, name);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await chmod(shared, 0o755); // whatever the umask
  await chown(root, user.uid, user.gid);
  // An empty folder may be there already; one with something in it is not ours to replace.
  if (existing)
    await rmdir(wanted).catch((cause: unknown) => {
      const problem = `${wanted} can't be read by the user ${user.name}, whom Postgres runs as, and is not empty.`;
      throw new LocalPostgresError('start_failed', `${problem} Choose another folder.`, cause);
    });
  // Renamed into place: two first starts at once end with one link.
  const temporary = `${wanted}.${randomBytes(6).toString('hex')}`;
  await symlink(root, temporary);
  await rename(temporary, wanted);
  return { root, user };
}

/** Runs initdb unless that is done; the password is made once and kept beside the data, readable by its owner alone. */
export async function initialise(
  { root, user }: { root: string; user: UnprivilegedUser | undefined },
  binaries: Binaries,
  version: PostgresVersion,
  durable: boolean,
): Promise<DataFolder> {
  const folder = { root, user, data: join(root, 'data'), logFile: join(root, 'postgres.log') };
  const password = await readOrMakePassword(root, user);
  if (!existsSync(folder.data)) {
    const temporary = await mkdtemp(join(root, 'data.new-'));
    if (user) await chown(temporary, user.uid, user.gid);
    await runInitdb({ binaries, version, root, user, data: temporary, durable });
    // Whole or not there: an initdb that was killed leaves only a folder that nobody looks at.
    await rename(temporary, folder.data).catch(async (error: unknown) => {
      if (!existsSync(folder.data)) throw error;
      await rm(temporary, { recursive: true, force: true });
    });
  }
  const found = Number(await readFile(join(folder.data, 'PG_VERSION'), 'utf8'));
  if (found !== version)
    throw new LocalPostgresError(
      'version_differs',
      `The data in ${root} was made by Postgres ${found} and can't be read by Postgres ${version}. Use another folder, or move the data with pg_dump.`,
    );
  return { ...folder, password };
}

type Initdb = {
  binaries: Binaries;
  version: PostgresVersion;
  root: string;
  data: string;
  user: UnprivilegedUser | undefined;
  durable: boolean;
};

async function runInitdb({ binaries, version, root, data, user, durable }: Initdb): Promise<void> {
  const locale = version >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : [];
  const args = [
    '-D',
    data,
    '-U',
    'postgres',
    '--auth=scram-sha-256',
    `--pwfile=${join(root, 'password')}`,
    '--encoding=UTF8',
  ];
  if (!durable) args.push('--no-sync');
  try {
    await promisify(execFile)(binaries.initdb, [...args, '--locale=C', ...locale], {
      cwd: root,
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      ...(user && { uid: user.uid, gid: user.gid }),
    });
  } catch (cause) {
    await rm(data, { recursive: true, force: true });
    const { stderr, message } = cause as Error & { stderr?: string };
    const reason = (stderr || message).trim().split('\n').slice(-4).join(' ');
    throw new LocalPostgresError(
      'start_failed',
      `Postgres could not make its data folder in ${root}: ${reason}`,
      cause,
    );
  }
}

/** Made under another name and linked, so that two first starts at once agree on one password. */
async function readOrMakePassword(root: string, user: UnprivilegedUser | undefined): Promise<string> {
  const path = join(root, 'password');
  if (!existsSync(path)) {
    const temporary = `${path}.${randomBytes(6).toString('hex')}`;
    await writeFile(temporary, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (user) await chown(temporary, user.uid, user.gid);
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(temporary);
  }
  return (await readFile(path, 'utf8')).trim();
}

/** What Postgres says about itself in its lock file. */
export type RunningServer = { readonly port: number; readonly ready: boolean };

/**
 * The server that runs on this data now, if any. The lock file of one that was killed stays behind: only a living process
 * with this data folder counts, and since another program may have its number by now (in a container, soon), one that says
 * that it is ready has to take connections.
 */
export async function findRunning(data: string): Promise<RunningServer | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid = '', folder = '', , port = '', , , , status = ''] = text.split('\n');
  if (folder !== data || !Number(pid) || !isAlive(Number(pid))) return undefined;
  // A standby that takes connections says so by another word.
  const ready = ['ready', 'standby'].includes(status.trim());
  if (ready && !(await takesConnections(Number(port)))) return undefined;
  return { port: Number(port), ready };
}

function takesConnections(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
