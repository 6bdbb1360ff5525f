import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@penstock/protocol';

/** With the host: containers that share a folder for temporary files don't know each other's processes. */
const PREFIX = `penstock-run-${hostname().replace(/[^A-Za-z0-9]/g, '_')}-`;

/** A folder that only this user can look into, for the files of one connector process. */
export class PrivateFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws CodedError `config_invalid` where temporary files can't be made: a read-only container without a place for them */
  static async create(): Promise<PrivateFolder> {
    try {
      const path = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
      await chmod(path, 0o700);
      return new PrivateFolder(path);
    } catch (cause) {
      const { code = '' } = cause as NodeJS.ErrnoException;
      if (!['EROFS', 'EACCES', 'ENOENT', 'ENOTDIR'].includes(code)) throw cause;
      throw new CodedError('config_invalid', {
        message: `A connector's files can't be written to ${tmpdir()}: ${code}.`,
        remedy: 'Set TMPDIR to a folder that can be written; in a container, mount one there: --tmpfs /tmp.',
        cause,
      });
    }
  }

  /** Writes a JSON file with mode 0600. @returns its path */
  async writeJson(name: string, value: unknown): Promise<string> {
    const path = join(this.path, name);
    await writeFile(path, JSON.stringify(value), { mode: 0o600, flag: 'wx' });
    return path;
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes what engines of this host left behind that were killed: their folders hold secrets (P7). Never throws. */
export async function removeLeftovers(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = name.startsWith(PREFIX) ? /^\d+/.exec(name.slice(PREFIX.length))?.[0] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(tmpdir(), name);
    const found = await stat(path).catch(() => undefined);
    if (found?.uid === process.getuid?.()) await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
