import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { findBinaries, type PostgresVersion } from './binaries.ts';
import { type DataFolder, findRunning, initialise, makeKeptFolder, makeThrowawayFolder } from './data-folder.ts';
import { LocalPostgresError } from './error.ts';
import { type Supervised, supervise } from './supervise.ts';

/** How to run the server. Everything has a default. */
export type LocalPostgresOptions = {
  /** Where the data is kept between runs; without it the server gets a temporary folder that goes when it stops. */
  readonly dataDir?: string;
  /** TCP port on 127.0.0.1; a free one by default. Ignored when a server already runs on this data. */
  readonly port?: number;
  /** Major version, 18 by default. Another one is fetched by npm the first time. */
  readonly version?: PostgresVersion;
  /** False gives up safety against a crash of the machine (fsync off) for speed: for tests. Default true. */
  readonly durable?: boolean;
  /** More server settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gives up starting. A server that has started goes on. */
  readonly signal?: AbortSignal;
};

/** A server that answers. */
export type LocalPostgres = {
  /** Connection URL of the superuser, password included: keep it out of logs that others read. */
  readonly url: string;
  readonly port: number;
  readonly version: PostgresVersion;
  /** False when the server already ran on this data: then somebody else stops it. */
  readonly owned: boolean;
  /** Stops the server and waits for its end; a temporary folder is gone then. Does nothing for a server not owned. */
  readonly stop: () => Promise<void>;
};

const startTimeoutMs = 60_000;
const pollMs = 5;
/** How often a start is tried again that workers of a killed server stand in the way of. */
const retryMs = 200;

const fastSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Starts a real Postgres, or finds the one that runs on `dataDir`. It listens on 127.0.0.1 alone, its superuser is
 * `postgres` with a random password, and it stops with this process, however that ends. Doesn't keep the process alive.
 *
 * @throws LocalPostgresError with a message fit for a user
 */
export async function startLocalPostgres(options: LocalPostgresOptions = {}): Promise<LocalPostgres> {
  const { dataDir, version = 18, durable = true, signal } = options;
  throwIfAborted(signal);
  if (process.platform === 'win32')
    throw new LocalPostgresError(
      'platform_unsupported',
      'A local Postgres is not run on Windows (it is under WSL). Give the URL of a Postgres server instead.',
    );
  const binaries = await findBinaries(version);
  const made = dataDir === undefined ? await makeThrowawayFolder() : await makeKeptFolder(dataDir);
  try {
    const folder = await initialise(made, binaries, version, durable);
    throwIfAborted(signal);
    return await connectOrStart(folder, binaries.postgres, { ...options, version, durable });
  } catch (error) {
    if (dataDir === undefined) await rm(made.root, { recursive: true, force: true });
    throw error;
  }
}

type Settled = LocalPostgresOptions & { version: PostgresVersion; durable: boolean };

async function connectOrStart(folder: DataFolder, postgres: string, options: Settled): Promise<LocalPostgres> {
  const running = await whenReady(folder, undefined, options.signal);
  if (running) return describe(folder, running.port, options, undefined);
  const giveUpAt = Date.now() + startTimeoutMs;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(options.signal);
    const port = options.port ?? (await findFreePort());
    const server = supervise(superviseOptions(folder, postgres, port, options));
    const ready = await whenReady(folder, server, options.signal).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    if (ready?.port === port && !server.ended()) return describe(folder, port, options, server);
    const log = await readFile(folder.logFile, 'utf8').catch(() => '');
    await server.stop();
    // Another process started a server on this data at the same moment.
    if (ready) return describe(folder, ready.port, options, undefined);
    // Somebody else's has begun on this data, and was too busy to answer in time.
    if (/lock file "postmaster.pid" already exists/.test(log) && Date.now() < giveUpAt) {
      const other = await whenReady(folder, undefined, options.signal);
      if (other) return describe(folder, other.port, options, undefined);
      await delay(retryMs);
      continue;
    }
    const portTaken = /Address already in use/.test(log);
    if (portTaken && options.port === undefined && attempt < 5) continue;
    // After a kill of the server its workers finish what they are at before they notice.
    if (/pre-existing shared memory block .* is still in use/.test(log) && Date.now() < giveUpAt) {
      await delay(retryMs);
      continue;
    }
    if (portTaken)
      throw new LocalPostgresError(
        'port_in_use',
        `Port ${port} is in use. Choose another one, or none for any free port.`,
      );
    const reason = log.trim().split('\n').slice(-4).join(' ') || 'it said nothing';
    throw new LocalPostgresError('start_failed', `Postgres did not start in ${folder.root}: ${reason}`);
  }
}

function superviseOptions(folder: DataFolder, postgres: string, port: number, options: Settled) {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...(options.durable ? {} : fastSettings),
    ...options.settings,
  };
  return {
    command: [
      postgres,
      '-D',
      folder.data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
    ],
    cwd: folder.root,
    // A log for each throwaway server goes with it; one of a kept server is that of its last run, so that it stays small.
    logFile: folder.logFile,
    user: folder.user,
    ...(options.dataDir === undefined && { removeAtEnd: folder.root }),
  };
}

/**
 * Waits while a server on this data is starting: `server`, or without it one that somebody else started.
 *
 * @returns undefined when there is none, or when `server` gave up
 */
async function whenReady(folder: DataFolder, server: Supervised | undefined, signal: AbortSignal | undefined) {
  const giveUpAt = Date.now() + startTimeoutMs;
  for (;;) {
    throwIfAborted(signal);
    const ended = server?.ended();
    const running = await findRunning(folder.data);
    if (running?.ready) return running;
    if (ended ?? running === undefined) return undefined;
    if (Date.now() > giveUpAt)
      throw new LocalPostgresError(
        'start_failed',
        `Postgres in ${folder.root} did not get ready within ${startTimeoutMs / 1000} s.`,
      );
    await delay(pollMs);
  }
}

function describe(
  folder: DataFolder,
  port: number,
  { version }: Settled,
  server: Supervised | undefined,
): LocalPostgres {
  const url = `postgres://postgres:${folder.password}@127.0.0.1:${port}/postgres`;
  return { url, port, version, owned: server !== undefined, stop: async () => server?.stop() };
}

function findFreePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
  return promise;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new LocalPostgresError('aborted', 'Starting Postgres was given up.', signal.reason);
}
