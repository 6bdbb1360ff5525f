import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { LEASE_MS, LEASE_RENEWAL_MS, leaseHeld, leaseLost, thisProcess } from './lease.ts';
import type { LeaseHolder } from './state-store.ts';

const ownerSchema = z.object({
  host: z.string(),
  pid: z.int(),
  since: z.string(),
  /** Tells two holders apart. */
  token: z.string(),
  /** When the process was started, as its kernel counts it: a process id alone is used again. */
  started: z.string().optional(),
});
type Owner = z.infer<typeof ownerSchema>;

/** A lock file that is held by this process. */
export interface FileLock {
  /** @throws CodedError `lease_held` when another engine has taken the lock */
  assertHeld(): Promise<void>;
  /** Removes the lock file, if it is still ours. */
  release(): Promise<void>;
}

/**
 * Takes `path` as a lock: a small file that says who holds it. A lock is stale, and taken over, when its process is gone
 * (same host) or when it was not touched for {@link LEASE_MS} (any host); a holder touches it every
 * {@link LEASE_RENEWAL_MS}.
 *
 * @throws CodedError `lease_held` with the holder
 */
export async function takeFileLock(path: string, pipeline: string): Promise<FileLock> {
  const { host, pid } = thisProcess();
  const started = await startOf(pid);
  const own: Owner = {
    host,
    pid,
    since: new Date().toISOString(),
    token: randomUUID(),
    ...(started === undefined ? {} : { started }),
  };
  // Linked into place: whoever reads the lock file finds it whole.
  const draft = `${path}.${own.token}`;
  await writeFile(draft, JSON.stringify(own), { mode: 0o600, flag: 'wx' });
  try {
    if (!(await linkNew(draft, path))) {
      const holder = await readOwner(path);
      if (holder !== undefined && !(await isStale(path, holder))) throw leaseHeld(pipeline, holder);
      await removeStale(path, holder, `${draft}.stale`);
      if (!(await linkNew(draft, path))) throw leaseHeld(pipeline, (await readOwner(path)) ?? own);
    }
  } finally {
    await rm(draft, { force: true });
  }
  const touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), LEASE_RENEWAL_MS);
  touch.unref();
  const holds = async () => (await readOwner(path))?.token === own.token;
  return {
    assertHeld: async () => {
      if (!(await holds())) throw leaseLost(pipeline, await readOwner(path));
    },
    release: async () => {
      clearInterval(touch);
      if (await holds()) await rm(path, { force: true });
    },
  };
}

/** Who holds the lock now, or undefined; a stale holder is none. */
export async function fileLockHolder(path: string): Promise<LeaseHolder | undefined> {
  const owner = await readOwner(path);
  if (owner === undefined || (await isStale(path, owner))) return undefined;
  return { host: owner.host, pid: owner.pid, since: owner.since };
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The owner in a lock file; undefined when there is none or what is there was written by nobody that we know. */
async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

async function isStale(path: string, owner: Owner): Promise<boolean> {
  const { host } = thisProcess();
  if (owner.host === host) {
    if (!isAlive(owner.pid)) return true;
    const started = await startOf(owner.pid);
    if (owner.started !== undefined && started !== undefined && owner.started !== started) return true;
  }
  const touched = await stat(path).catch(() => undefined);
  return touched === undefined || Date.now() - touched.mtimeMs > LEASE_MS;
}

/** Moves the stale lock away. Two may try at once: one of them moves it, and gives back what is not the stale one. */
async function removeStale(path: string, stale: Owner | undefined, away: string): Promise<void> {
  try {
    await rename(path, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = await readOwner(away);
  if (moved?.token !== stale?.token) await linkNew(away, path);
  await rm(away, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** When a process was started, in clock ticks since boot (Linux, proc(5), field 22 of `stat`); elsewhere undefined. */
async function startOf(pid: number): Promise<string | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program comes before, in parentheses, and may hold anything.
  return line?.slice(line.lastIndexOf(')') + 2).split(' ')[19];
}
