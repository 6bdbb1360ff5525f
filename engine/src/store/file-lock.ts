import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { LEASE_MS, LEASE_RENEWAL_MS, leaseHeld, leaseLost, thisProcess } from './lease.ts';
import { isKnownToBeGone, markOfThisProcess, processMarkSchema } from './process-mark.ts';
import type { LeaseHolder } from './state-store.ts';

const ownerSchema = processMarkSchema.extend({
  host: z.string(),
  since: z.string(),
  /** Tells two holders apart. */
  token: z.string(),
});
type Owner = z.infer<typeof ownerSchema>;

/** A lock file that is held by this process. */
export interface FileLock {
  /** @throws CodedError `lease_held` when another engine has taken the lock */
  assertHeld(): Promise<void>;
  /** Removes the lock file, if it is still ours. */
  release(): Promise<void>;
}

/** What follows the path of a lock in that of a draft of it. */
const DRAFT_SUFFIX = /^\.[0-9a-f-]{36}$/;

/**
 * Takes `path` as a lock: a small file that says who holds it. A lock is stale, and taken over, when its process is gone
 * (same host, same namespace of process ids) or when it was not touched for {@link LEASE_MS} (anywhere); a holder touches it
 * every {@link LEASE_RENEWAL_MS}.
 *
 * @throws CodedError `lease_held` with the holder
 */
export async function takeFileLock(path: string, pipeline: string): Promise<FileLock> {
  const own: Owner = {
    host: thisProcess().host,
    since: new Date().toISOString(),
    token: randomUUID(),
    ...(await markOfThisProcess()),
  };
  // Linked into place: whoever reads the lock file finds it whole.
  const draft = `${path}.${own.token}`;
  try {
    await writeFile(draft, JSON.stringify(own), { mode: 0o600, flag: 'wx' });
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

/**
 * Removes what engines left beside the lock that were killed while they took it. Drafts that are in use are younger than
 * {@link LEASE_MS}, and stay.
 */
export async function removeLockDrafts(path: string): Promise<void> {
  const folder = dirname(path);
  const name = basename(path);
  for (const found of await readdir(folder).catch(() => [])) {
    if (!found.startsWith(name) || !DRAFT_SUFFIX.test(found.slice(name.length))) continue;
    const written = await stat(join(folder, found)).catch(() => undefined);
    const isOld = written !== undefined && Date.now() - written.mtimeMs > LEASE_MS;
    if (isOld) await rm(join(folder, found), { force: true });
  }
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
  // Containers may share the name of a host and not its process ids.
  if (owner.host === thisProcess().host && (await isKnownToBeGone(owner))) return true;
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
