import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LocalPostgresError } from './error.ts';

/** The user that runs the server: only needed as root, because Postgres refuses to run as root. */
export type UnprivilegedUser = { readonly uid: number; readonly gid: number; readonly name: string };

/** Accounts that exist on most systems and own little. Tried in this order, then any other that is not root. */
const likelyNames = ['nobody', 'postgres', 'daemon'];

/** True when this process is root and so must run Postgres as somebody else. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Finds an existing user that Postgres can run as. `initdb` looks its user up in /etc/passwd, so a bare number won't do.
 *
 * @param ownerUid owner of an existing data folder, who then has to run it
 * @throws LocalPostgresError `no_unprivileged_user`
 */
export function findUnprivilegedUser(ownerUid?: number): UnprivilegedUser {
  const users = readUsers();
  const rank = ({ name }: UnprivilegedUser) =>
    likelyNames.includes(name) ? likelyNames.indexOf(name) : likelyNames.length;
  const candidates =
    ownerUid === undefined || ownerUid === 0
      ? users.toSorted((a, b) => rank(a) - rank(b))
      : users.filter((user) => user.uid === ownerUid);
  // In a container whose user ids are mapped, not every uid in the file can be switched to.
  const found = candidates.find(
    ({ uid, gid }) => spawnSync('/bin/sh', ['-c', ':'], { uid, gid, cwd: '/' }).status === 0,
  );
  if (found) return found;
  throw new LocalPostgresError(
    'no_unprivileged_user',
    'Postgres does not run as root, and /etc/passwd has no other user that this process can switch to. Run as an ordinary user, or give the URL of a Postgres server.',
  );
}

function readUsers(): UnprivilegedUser[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => Number(fields[2]) > 0)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

/** True when `user` may pass through every folder above `path`; `path` itself need not exist. */
export function canReach(path: string, user: UnprivilegedUser): boolean {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat) {
      const bit = stat.uid === user.uid ? 0o100 : stat.gid === user.gid ? 0o010 : 0o001;
      if ((stat.mode & bit) === 0) return false;
    }
    if (folder === dirname(folder)) return true;
  }
}
