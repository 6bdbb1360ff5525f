import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRunning } from './data-folder.ts';
import { startLocalPostgres } from './start.ts';

let scratch: string; // mode 0700, so as root the server's user can't reach into it
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'local-postgres-test-'));
});
afterAll(async () => {
  // As root a kept folder is a link to where the server's user can reach.
  for (const name of await readdir(scratch)) await rm(await realpath(join(scratch, name)), { recursive: true });
  await rm(scratch, { recursive: true, force: true });
});

const fast = { durable: false } as const;

/** How many clients are at work, the asking one aside. */
const ACTIVE =
  "select count(*) from pg_stat_activity where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()";

async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return Object.values((await client.query(sql)).rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

async function whenTrue(condition: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) throw new Error('It did not come true within a minute.');
    await delay(20);
  }
}

const answers = (url: string) =>
  query(url, 'select 1').then(
    () => true,
    () => false,
  );

describe('a throwaway server', () => {
  it('answers on 127.0.0.1 and leaves nothing behind when it stops', async () => {
    const server = await startLocalPostgres(fast);
    const folder = String(await query(server.url, 'show data_directory'));
    expect(await query(server.url, 'show listen_addresses')).toBe('127.0.0.1');
    expect(await query(server.url, 'show server_encoding')).toBe('UTF8');
    expect(existsSync(folder)).toBe(true);
    await server.stop();
    await server.stop();
    expect(existsSync(join(folder, '..'))).toBe(false);
    expect(await answers(server.url)).toBe(false);
  });

  it('refuses a wrong password', async () => {
    const server = await startLocalPostgres(fast);
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow('password authentication failed');
    await server.stop();
  });

  it('stops and is removed when the process that started it is killed', async () => {
    const program = `
      import { startLocalPostgres } from ${JSON.stringify(fileURLToPath(new URL('./start.ts', import.meta.url)))};
      console.log((await startLocalPostgres({ durable: false })).url);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const url = line.toString().trim();
    const folder = join(String(await query(url, 'show data_directory')), '..');
    child.kill('SIGKILL');
    await whenTrue(() => !existsSync(folder));
    expect(await answers(url)).toBe(false);
  });

  it('does not keep a process alive that forgot to stop it', async () => {
    const program = `
      import { startLocalPostgres } from ${JSON.stringify(fileURLToPath(new URL('./start.ts', import.meta.url)))};
      await startLocalPostgres({ durable: false });`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('a kept server', () => {
  it('has its data, and the same password, when it starts again', async () => {
    const dataDir = join(scratch, 'kept');
    const first = await startLocalPostgres({ ...fast, dataDir });
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await startLocalPostgres({ ...fast, dataDir });
    expect(await query(second.url, 'select answer from kept')).toBe(42);
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
    expect((await stat(join(dataDir, 'password'))).mode & 0o077).toBe(0);
    await second.stop();
  });

  it('is found by a second start, which does not stop it', async () => {
    const dataDir = join(scratch, 'shared');
    const [a, b] = await Promise.all([
      startLocalPostgres({ ...fast, dataDir }),
      startLocalPostgres({ ...fast, dataDir }),
    ]);
    expect([a.owned, b.owned].toSorted()).toEqual([false, true]);
    expect(a.url).toBe(b.url);
    const [owner, guest] = a.owned ? [a, b] : [b, a];
    await guest.stop();
    expect(await query(owner.url, 'select 1')).toBe(1);
    await owner.stop();
    expect((await readdir(dataDir)).filter((name) => name.startsWith('data'))).toEqual(['data']);
  });

  it('starts again after its server was killed with its lock file left behind', async () => {
    const dataDir = join(scratch, 'crashed');
    const first = await startLocalPostgres({ ...fast, dataDir });
    await query(first.url, 'create table kept as select 7 as answer');
    await first.stop();
    await writeFile(join(dataDir, 'data', 'postmaster.pid'), `4194000\n${dataDir}/data\n0\n1\n\n127.0.0.1\n0\nready\n`);
    await chmod(join(dataDir, 'data', 'postmaster.pid'), 0o644); // as root it is not the server's own
    const second = await startLocalPostgres({ ...fast, dataDir });
    expect(await query(second.url, 'select answer from kept')).toBe(7);
    await second.stop();
  });

  it('starts again when its server was killed in the middle of a query that goes on for a while', async () => {
    const dataDir = join(scratch, 'busy');
    const first = await startLocalPostgres({ ...fast, dataDir });
    const data = String(await query(first.url, 'show data_directory'));
    const client = new pg.Client({ connectionString: first.url });
    client.on('error', () => undefined);
    await client.connect();
    const busy = client.query('select count(*) from generate_series(1, 20000000)').catch(() => undefined);
    await whenTrue(async () => (await query(first.url, ACTIVE)) === '1');
    process.kill(Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]), 'SIGKILL');
    // Waits until it is gone; its workers are not.
    await first.stop();
    const second = await startLocalPostgres({ ...fast, dataDir });
    expect(await query(second.url, 'select 1')).toBe(1);
    await Promise.all([second.stop(), busy]);
  });

  it('starts again when another program has the number of its killed server by now', async () => {
    const dataDir = join(scratch, 'reused');
    const first = await startLocalPostgres({ ...fast, dataDir });
    const data = String(await query(first.url, 'show data_directory'));
    await first.stop();
    // Ended by the time Postgres looks, which would otherwise take it for a server of its own user.
    const other = spawn('sleep', ['60']);
    await writeFile(join(data, 'postmaster.pid'), `${other.pid}\n${data}\n0\n1\n\n127.0.0.1\n0\nready\n`);
    await chmod(join(data, 'postmaster.pid'), 0o644);
    const running = await findRunning(data);
    other.kill();
    await once(other, 'exit');
    expect(running).toBeUndefined();
    const second = await startLocalPostgres({ ...fast, dataDir });
    expect(await query(second.url, 'select 1')).toBe(1);
    await second.stop();
  });

  it('refuses data of another Postgres version', async () => {
    const dataDir = join(scratch, 'older');
    await (await startLocalPostgres({ ...fast, dataDir })).stop();
    await writeFile(join(dataDir, 'data', 'PG_VERSION'), '12\n');
    await expect(startLocalPostgres({ dataDir })).rejects.toThrow('was made by Postgres 12');
  });
});

describe('starting fails', () => {
  it('with port_in_use when the port that was asked for is taken', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as { port: number };
    await expect(startLocalPostgres({ ...fast, port })).rejects.toMatchObject({ code: 'port_in_use' });
    listener.close();
  });

  it('with what Postgres said about a setting it does not know', async () => {
    const settings = { no_such_setting: '1' };
    await expect(startLocalPostgres({ ...fast, settings })).rejects.toThrow('unrecognized configuration parameter');
  });

  it('when its signal has been aborted', async () => {
    await expect(startLocalPostgres({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});
