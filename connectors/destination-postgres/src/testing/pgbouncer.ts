import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeServerFolder } from '@penstock/local-postgres/testing';
import pg from 'pg';

/** A pooler in transaction mode, between the tests and their database. */
export type PgBouncer = {
  /** Of the same database, through the pooler. */
  readonly url: string;
  /** Kills the process, as a crash would, and starts another one in its place. */
  readonly crash: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Finds the program: on PATH, or where Debian puts it. */
export function findPgBouncer(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
}

/**
 * Starts PgBouncer in transaction mode.
 *
 * @param databaseUrl the database behind it
 * @param poolSize connections to the server
 */
export async function startPgBouncer(program: string, databaseUrl: string, poolSize: number): Promise<PgBouncer> {
  const target = new URL(databaseUrl);
  const port = await findFreePort();
  // Whoever comes is let in, and is the user of the database there.
  const folder = await makeServerFolder({
    'pgbouncer.ini': `
[databases]
* = host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 20
`,
  });
  const url = `postgres://${target.username}@127.0.0.1:${port}${target.pathname}`;
  let child: ChildProcess;
  const start = async () => {
    child = spawn(program, [join(folder.path, 'pgbouncer.ini')], {
      stdio: 'ignore',
      cwd: folder.path,
      ...(folder.user && { uid: folder.user.uid, gid: folder.user.gid }),
    });
    await whenAnswering(url);
  };
  const end = async (signal: NodeJS.Signals) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once('close', () => resolve());
    child.kill(signal);
    await promise;
  };
  await start();
  return {
    url,
    crash: async () => {
      await end('SIGKILL');
      await start();
    },
    stop: async () => {
      await end('SIGTERM');
      await folder.remove();
    },
  };
}

async function whenAnswering(url: string): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return await client.end();
    } catch (cause) {
      if (Date.now() > giveUpAt) throw new Error('PgBouncer did not answer within a minute.', { cause });
      await delay(20);
    }
  }
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
