import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = /^penstock-run-(\d+)-/;

/** Older than any connector needs to start and read its config. */
const LEFTOVER_AGE_MS = 15 * 60_000;

/** A folder that only this user can look into, for the files of one connector process. */
export class PrivateFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<PrivateFolder> {
    const path = await mkdtemp(join(tmpdir(), `penstock-run-${process.pid}-`));
    await chmod(path, 0o700);
    return new PrivateFolder(path);
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

/** Removes what engines left behind that were killed: their folders hold secrets (P7). Never throws. */
export async function removeLeftovers(now: number): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = NAME.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(tmpdir(), name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || found.uid !== process.getuid?.() || now - found.mtimeMs < LEFTOVER_AGE_MS) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}
