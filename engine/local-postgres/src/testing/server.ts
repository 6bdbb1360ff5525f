import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { startLocalPostgres } from '../start.ts';
import { canReach, findUnprivilegedUser, isRoot, type UnprivilegedUser } from '../unprivileged-user.ts';
import type {} from './vitest-setup.ts';

/** A folder whose files the user may read whom a server runs as. */
export type ServerFolder = {
  readonly path: string;
  /** Whom to run a server as; undefined is this process's own user. */
  readonly user: UnprivilegedUser | undefined;
  readonly remove: () => Promise<void>;
};

/**
 * Makes a folder for a server that doesn't run as root, with files in it that only that user may read.
 *
 * @param files content by name
 */
export async function makeServerFolder(files: Readonly<Record<string, string>> = {}): Promise<ServerFolder> {
  const user = isRoot() ? findUnprivilegedUser() : undefined;
  const parent = [tmpdir(), '/tmp'].find((folder) => !user || canReach(join(folder, 'x'), user)) ?? tmpdir();
  const path = await mkdtemp(join(parent, 'penstock-server-'));
  if (user) await chown(path, user.uid, user.gid);
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(path, name), content, { mode: 0o600 });
    if (user) await chown(join(path, name), user.uid, user.gid);
  }
  return { path, user, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A server for one test file, where the one of the run won't do. */
export type TestServer = {
  readonly url: string;
  readonly port: number;
  /** The folder with its files. */
  readonly folder: string;
  readonly stop: () => Promise<void>;
};

/**
 * Starts a throwaway server of the version that the run asked for.
 *
 * @param files content by name: certificates, `pg_hba.conf`
 * @param settings as in postgresql.conf, from the folder with the files
 */
export async function startTestServer(
  files: Readonly<Record<string, string>>,
  settings: (folder: string) => Readonly<Record<string, string>>,
): Promise<TestServer> {
  const folder = await makeServerFolder(files);
  const server = await startLocalPostgres({
    version: inject('postgresVersion'),
    durable: false,
    settings: settings(folder.path),
  });
  const stop = async () => {
    await server.stop();
    await folder.remove();
  };
  return { url: server.url, port: server.port, folder: folder.path, stop };
}

/** A server that can be stopped and started again with its data, at the same address. */
export type RestartableServer = {
  readonly url: string;
  /** Postgres's own folder. */
  readonly data: string;
  readonly stop: () => Promise<void>;
  /** Starts it again after {@link stop}, or after it was killed. */
  readonly start: () => Promise<void>;
  /** Stops it for good. */
  readonly remove: () => Promise<void>;
};

/** Starts a server of the version that the run asked for, and keeps its data while the test file runs. */
export async function startRestartableServer(): Promise<RestartableServer> {
  const folder = await makeServerFolder();
  const options = { dataDir: folder.path, version: inject('postgresVersion'), durable: false };
  let server = await startLocalPostgres(options);
  const { url, port } = server;
  return {
    url,
    data: join(folder.path, 'data'),
    stop: () => server.stop(),
    start: async () => {
      // Of one that was killed its supervisor may still be there.
      await server.stop();
      server = await startLocalPostgres({ ...options, port });
    },
    remove: async () => {
      await server.stop();
      await folder.remove();
    },
  };
}
