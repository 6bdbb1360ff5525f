import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, type PenstockRun, startPenstock } from './launch/testing/penstock.ts';

const SECRET = 'whsec_found_out';
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-setup-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function pipeline(source: Record<string, unknown> = {}, args: readonly string[] = []) {
  const config = { streams: { a: 2, b: 1 }, api_key: 'sk_very_one', journal: join(folder, 'journal'), ...source };
  return fakePipeline(folder, config, {}, ['fake-events-source', ...args]);
}

/** Runs a command with a data folder of its own. */
const run = (args: readonly string[], environment: Record<string, string> = {}): Promise<PenstockRun> =>
  callPenstock(args, { XDG_DATA_HOME: folder, ...environment });

interface Given {
  readonly command: string;
  readonly account?: string;
  readonly webhook_secret?: string;
  readonly streams?: readonly string[];
}

/** What the source was given, call by call, since the last time. */
async function given(command: string): Promise<Given[]> {
  const lines = (await readFile(join(folder, 'journal'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);
  await writeFile(join(folder, 'journal'), '');
  return lines.map((line) => JSON.parse(line) as Given).filter((each) => each.command === command);
}

const secretsFolder = () => join(folder, 'penstock', 'secrets');

describe('penstock setup', () => {
  it('gives the source config and catalog, shows its logs, and keeps what it finds out for the next commands', async () => {
    const { file, state } = await pipeline();
    const done = await run(['setup', '-c', file]);
    expect(done.stdout.split('\n')).toEqual([
      "info  source/fake-events-source.mjs: the endpoint's secret is ********",
      'source      ok     source/fake-events-source.mjs is set up',
      'destination ok     destination/fake-destination.mjs has nothing to set up',
      '',
    ]);
    expect([done.exitCode, done.stderr]).toEqual([0, '']);
    expect(await given('setup')).toMatchObject([{ streams: ['a', 'b'] }]);
    // Without the default that the source has filled in.
    const saved = JSON.parse(await readFile(state, 'utf8')).resolved_config;
    expect(saved.source).toMatchObject({ config: { account: 'account of one' }, secret_keys: ['webhook_secret'] });
    const found = { account: 'account of one', webhook_secret: SECRET };
    const synced = await run(['sync', '-c', file, '--json']);
    expect(synced.exitCode, synced.stderr).toBe(0);
    expect(await given('read')).toMatchObject([found]);
    for (const command of ['check', 'discover', 'setup', 'teardown'] as const) {
      expect((await run([command, '-c', file])).exitCode).toBe(0);
      expect(await given(command), command).toMatchObject([found]);
    }
  });

  it('keeps secrets apart from the state, in a file that only its owner can read, and shows none', async () => {
    const { file, state } = await pipeline();
    const runs = [await run(['setup', '-c', file, '--json'])];
    const [name, ...others] = await readdir(secretsFolder());
    expect(others).toEqual([]);
    const path = join(secretsFolder(), name!);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(secretsFolder())).mode & 0o777).toBe(0o700);
    const kept = await readFile(path, 'utf8');
    expect(JSON.parse(kept).source.config).toEqual({ webhook_secret: SECRET });
    expect(kept).not.toContain('sk_very_one');
    runs.push(await run(['sync', '-c', file, '--json']), await run(['state', 'show', '-c', file, '--json']));
    const controls = runs[0]!.messages.filter(({ type }) => type === 'control');
    expect(controls).toMatchObject([
      { control: { source_config: { api_key: '********', webhook_secret: '********' } } },
    ]);
    for (const { stdout, stderr } of runs) expect(stdout + stderr).not.toMatch(/whsec_found|sk_very/);
    expect(await readFile(state, 'utf8')).not.toMatch(/whsec_found|sk_very/);
  });

  it('does not use what was found out with another config, and says so', async () => {
    const { file } = await pipeline();
    await run(['setup', '-c', file]);
    await pipeline({ api_key: 'sk_very_two' });
    const other = await run(['sync', '-c', file, '--json']);
    expect(other.stdout).toContain(
      'is another one than when it found out: account, webhook_secret. So that is not used.',
    );
    expect((await given('read'))[0]).not.toHaveProperty('account');
  });

  it('keeps what the newest config has found out, and lets what the user gives win', async () => {
    const { file } = await pipeline({ control: true });
    await run(['sync', '-c', file]);
    await pipeline({ api_key: 'sk_very_two', control: true });
    await run(['sync', '-c', file]);
    await given('read');
    await run(['sync', '-c', file]);
    expect(await given('read')).toMatchObject([{ account: 'account of two', webhook_secret: SECRET }]);
    await pipeline({ api_key: 'sk_very_two', account: 'mine' });
    await run(['setup', '-c', file]);
    await given('read');
    await run(['sync', '-c', file]);
    expect(await given('read')).toMatchObject([{ account: 'mine', webhook_secret: SECRET }]);
  });

  it('warns, with the names alone, where a secret can not be kept, and once when it is gone', async () => {
    const { file } = await pipeline();
    const nowhere = { XDG_DATA_HOME: '/dev/null' };
    const lost = await run(['setup', '-c', file], nowhere);
    expect(lost.exitCode).toBe(0);
    expect(lost.stdout).toMatch(
      /warn {2}engine: .*found out webhook_secret, which is secret and can't be kept .*ENOTDIR.*Put it into the config/,
    );
    expect(lost.stdout + lost.stderr).not.toContain(SECRET);
    await run(['sync', '-c', file], nowhere);
    expect((await given('read'))[0]).toMatchObject({ account: 'account of one' });
    await run(['setup', '-c', file]);
    await rm(secretsFolder(), { recursive: true });
    await given('read');
    const gone = await run(['sync', '-c', file, '--json']);
    expect(gone.exitCode).toBe(0);
    const warnings = gone.messages.flatMap((m) => (m.type === 'log' && m.log.level === 'warn' ? [m.log.message] : []));
    expect(warnings).toEqual([
      expect.stringMatching(/webhook_secret in an earlier run, but that is not in .* any more/),
    ]);
    expect((await given('read'))[0]).not.toHaveProperty('webhook_secret');
  });

  it('says which side failed and why, with its exit code, and still has the other one prepare', async () => {
    const { file } = await pipeline({ refuse_setup: true });
    const refused = await run(['setup', '-c', file]);
    expect(refused.exitCode).toBe(20);
    expect(refused.stdout).toMatch(/source {6}failed source\/\S+: \*+ may not make endpoints\ndestination ok/);
    expect((await run(['setup', '-c', file, '--only', 'destination'])).exitCode).toBe(0);
    expect((await run(['setup', '-c', file, '--only', 'both'])).exitCode).toBe(2);
  });

  it('has nothing to do for connectors without the command, whether they say so or not', async () => {
    const { file, state } = await pipeline({}, ['old']);
    const done = await run(['setup', '-c', file]);
    expect([done.exitCode, done.stdout]).toEqual([
      0,
      expect.stringMatching(/source\/\S+ has nothing to set up\n.*destination\/\S+ has nothing to set up\n/),
    ]);
    await expect(readFile(state)).rejects.toThrow('ENOENT');
  });

  it('that is interrupted keeps what the source has found out by then, and ends with 10', async () => {
    const { file, state } = await pipeline({ stall_setup: true });
    const stalled = startPenstock(['setup', '-c', file, '--json'], { XDG_DATA_HOME: folder });
    await expect.poll(() => stalled.stdout().includes('"control"')).toBe(true);
    stalled.child.kill('SIGTERM');
    expect((await stalled.done).exitCode).toBe(10);
    expect(JSON.parse(await readFile(state, 'utf8')).resolved_config.source.config).toEqual({
      account: 'account of one',
    });
  });
});

describe('what a connector found out about its config', () => {
  const resolvedIn = async (state: string) => JSON.parse(await readFile(state, 'utf8')).resolved_config;

  it('is kept when read tells it, and when the position is reset', async () => {
    const { file, state } = await pipeline({ control: true });
    const first = await run(['sync', '-c', file, '--json']);
    expect(first.exitCode).toBe(0);
    expect(first.eof!.ending_state.resolved_config).toMatchObject({ source: { secret_keys: ['webhook_secret'] } });
    const before = await resolvedIn(state);
    await given('read');
    expect((await run(['sync', '-c', file, '--reset-state'])).exitCode).toBe(0);
    expect(await given('read')).toMatchObject([
      { account: 'account of one', webhook_secret: SECRET, state: { global: {} } },
    ]);
    expect(await resolvedIn(state)).toEqual(before);
  });

  it('is forgotten by teardown, and by a reset of the state', async () => {
    const { file, state } = await pipeline();
    await run(['setup', '-c', file]);
    const torn = await run(['teardown', '-c', file]);
    expect(torn.stdout).toMatch(/has nothing to tear down\n.*all is taken back\n.*is torn down\n$/);
    expect(await resolvedIn(state)).toEqual({});
    expect(await readdir(secretsFolder())).toEqual([]);
    await run(['setup', '-c', file]);
    expect(await readdir(secretsFolder())).toHaveLength(1);
    expect((await run(['state', 'reset', '-c', file])).exitCode).toBe(0);
    expect(await readdir(secretsFolder())).toEqual([]);
    await run(['sync', '-c', file]);
    expect((await given('read'))[0]).not.toHaveProperty('account');
  });
});
