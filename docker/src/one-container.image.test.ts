import { afterAll, beforeAll, expect, it } from 'vitest';
import { docker, endOfDocker } from './testing/docker.ts';

const prefix = `penstock-one-${process.pid}`;
const network = `${prefix}-network`;
const url = 'postgres://postgres:one-container@warehouse:5432/postgres';

beforeAll(async () => {
  await docker('network', 'create', network);
  const serve = (alias: string, ...args: readonly string[]): Promise<string> =>
    docker('run', '--detach', '--network', network, '--name', `${prefix}-${alias}`, '--network-alias', alias, ...args);
  await serve('stripe', 'stripe-simulator', '--host', '0.0.0.0', '--objects', '0', '--count', '/v1/customers=1234');
  await serve('warehouse', '--env', 'POSTGRES_PASSWORD=one-container', 'postgres:18');
});

afterAll(async () => {
  await endOfDocker('rm', '--force', '--volumes', `${prefix}-stripe`, `${prefix}-warehouse`);
  await endOfDocker('network', 'rm', network);
});

interface Eof {
  readonly type: string;
  readonly eof: {
    readonly status: string;
    readonly run_progress: { readonly streams: Record<string, { created_count?: number }> };
  };
}

/** As strict as it can be: all that the engine needs is a folder for the files that it hands to the connectors. */
const locked = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

/** Runs the engine with the two connectors that its image brings. */
function penstock(...args: readonly string[]) {
  const environment = ['--env', 'STRIPE_API_KEY=sk_test_123', '--env', `POSTGRES_URL=${url}`];
  const pipeline = ['--source', 'stripe', '--stripe.base-url', 'http://stripe:12111', '--destination', 'postgres'];
  const container = ['run', '--rm', '--log-driver', 'none', '--network', network, ...locked, ...environment];
  return endOfDocker(...container, 'penstock', ...args, ...pipeline);
}

it('syncs in one container whose root is read-only, and finds nothing to create the second time', async () => {
  // The server takes a while to start.
  await expect.poll(async () => (await penstock('check')).code, { timeout: 60_000, interval: 500 }).toBe(0);
  const created: number[] = [];
  for (let run = 0; run < 2; run++) {
    const { code, stdout, stderr } = await penstock('sync', '--json', '--streams', 'customers');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { eof } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Eof;
    expect(eof.status).toBe('succeeded');
    created.push(eof.run_progress.streams.customers!.created_count ?? 0);
  }
  expect(created).toEqual([1234, 0]);
});

it('draws on a terminal while it runs, and leaves the summary', async () => {
  const environment = ['--env', 'STRIPE_API_KEY=sk_test_123', '--env', `POSTGRES_URL=${url}`, '--env', 'TERM=xterm'];
  const container = ['run', '--rm', '--tty', '--network', network, ...locked, ...environment, 'penstock', 'sync'];
  const pipeline = ['--source', 'stripe', '--stripe.base-url', 'http://stripe:12111', '--destination', 'postgres'];
  const args = [...container, ...pipeline, '--name', 'on-a-terminal', '--streams', 'customers'];
  const { code, stdout, stderr } = await endOfDocker(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [before, after] = stdout.split('\u001b[?1049l');
  expect(before).toContain('\u001b[?1049h');
  expect(before).toContain('customers');
  expect(after).toContain('on-a-terminal: complete');
});

it('says what it lacks where there is no folder for temporary files', async () => {
  const source = ['--source', 'stripe', '--destination', 'postgres'];
  const environment = ['--env', 'STRIPE_API_KEY=sk_test_123', '--env', `POSTGRES_URL=${url}`];
  const args = ['run', '--rm', '--read-only', ...environment, 'penstock', 'check', ...source];
  const { code, stdout, stderr } = await endOfDocker(...args);
  expect(code).toBe(20);
  expect(stdout + stderr).toMatch(/can't be written to \/tmp: EROFS.*--tmpfs \/tmp/);
});
