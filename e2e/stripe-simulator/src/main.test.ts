import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';

const main = new URL('./main.ts', import.meta.url).pathname;
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** Has Node say on stderr, when it ends, which modules of the program and of its own it has loaded. */
const tellModules = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
  process.on('exit', () => process.stderr.write([...loaded, ...process.moduleLoadList].join('\\n')));
`)}`;

type Run = {
  child: ChildProcess;
  firstLine: Promise<string>;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
};

function run(...args: string[]): Run {
  return runNode(main, ...args);
}

function runNode(...args: string[]): Run {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  let [stdout, stderr] = ['', ''];
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  const firstLine = new Promise<string>((resolve) => {
    child.stdout?.on('data', (text) => {
      stdout += text;
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
  });
  return {
    child,
    firstLine,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr }))),
  };
}

describe('the stripe-simulator program', () => {
  it('says where it listens in one line of JSON, serves, and ends at once on SIGTERM with open connections', async () => {
    const { child, firstLine, ended } = run('--port', '0', '--objects', '100', '--latency-ms', '60000');
    const { type, url } = JSON.parse(await firstLine);
    expect(type).toBe('listening');
    expect((await fetch(`${url}/_admin/clock`)).status).toBe(200);
    const waiting = fetch(`${url}/v1/account`, { headers: { authorization: 'Bearer sk_test_1' } }).catch(
      () => 'cut off',
    );
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
    expect(await waiting).toBe('cut off');
  });

  it('loads neither zod nor what Node fetches with before it listens', async () => {
    const { child, firstLine, ended } = runNode('--import', tellModules, main, '--port', '0');
    await firstLine;
    child.kill('SIGTERM');
    const loaded = (await ended).stderr.split('\n');
    expect(loaded).toContain(new URL('./admin/admin.ts', import.meta.url).href);
    expect(loaded).toContain('NativeModule _http_server');
    expect(loaded.filter((name) => /\/node_modules\/zod\/|\/undici/.test(name))).toEqual([]);
  });

  it('says in one line that the port is in use, and exits with 2', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const { code, stdout, stderr } = await run('--port', String(port)).ended;
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      `stripe-simulator: Port ${port} on 127.0.0.1 is in use. Give another with --port, or --port 0 for a free one.\n`,
    );
    await new Promise((resolve) => taken.close(resolve));
  });

  it('refuses a wrong command line in one line, and exits with 2', async () => {
    const { code, stdout, stderr } = await run('--port', '0', '--objcts', '5').ended;
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe('stripe-simulator: Unknown argument: objcts. See stripe-simulator --help.\n');
  });

  it('explains its options with --help', async () => {
    const { code, stdout } = await run('--help').ended;
    expect(code).toBe(0);
    for (const option of ['--port', '--objects', '--distribution', '--rate-limit', '--schedule'])
      expect(stdout).toContain(option);
  });
});
