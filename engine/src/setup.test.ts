import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliProcess, runCli } from './cli.ts';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, type PenstockRun, startPenstock } from './launch/testing/penstock.ts';

const SECRET = 'whsec_found_out';
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-setup-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function pipeline(
  source: Record<string, unknown> = {},
  args: readonly string[] = [],
  destination: Record<string, unknown> = {},
) {
  const config = { streams: { a: 2, b: 1 }, api_key: 'sk_very_one', journal: join(folder, 'journal'), ...source };
  return fakePipeline(folder, config, destination, ['fake-events-source', ...args]);
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
      const yes = command === 'teardown' ? ['--yes'] : [];
      expect((await run([command, '-c', file, ...yes])).exitCode).toBe(0);
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

describe('penstock teardown', () => {
  const read = async (path: string) =>
    (await readFile(path, 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);
  const synced = async (source: Record<string, unknown> = {}) => {
    const made = await pipeline(source, [], { tears_down: true });
    expect((await run(['sync', '-c', made.file])).exitCode).toBe(0);
    await given('read');
    return { ...made, records: await read(made.out) };
  };

  it('makes the next sync read everything again, and says so', async () => {
    const { file, out, state, records } = await synced({ control: true });
    const torn = await run(['teardown', '-c', file, '--yes']);
    expect([torn.exitCode, torn.stderr]).toEqual([0, '']);
    expect(torn.stdout).toContain(
      `The saved position of pipeline "fake" in file ${state} is forgotten; the next sync reads it from the beginning.`,
    );
    expect(await read(out)).toEqual([]);
    expect((await run(['sync', '-c', file])).exitCode).toBe(0);
    expect(records.length).toBeGreaterThan(0);
    expect(await read(out)).toEqual(records);
  });

  it('of the destination alone keeps what the source found out, and of some streams the position of the others', async () => {
    const { file, state } = await synced({ control: true });
    const torn = await run(['teardown', '-c', file, '--only', 'destination', '--streams', 'a', '-y', '--json']);
    const logs = torn.messages.flatMap((m) => (m.type === 'log' ? [m.log.message] : []));
    expect(logs).toEqual([expect.stringContaining('position of stream "a" of pipeline "fake"')]);
    const some = JSON.parse(await readFile(state, 'utf8'));
    expect(Object.keys(some.source.streams)).toEqual(['b']);
    await run(['teardown', '-c', file, '--only', 'destination', '-y']);
    const none = JSON.parse(await readFile(state, 'utf8'));
    expect(none.source).toEqual({ streams: {}, global: {} });
    expect(none.resolved_config).toEqual(some.resolved_config);
    expect(none.resolved_config.source.config).toEqual({ account: 'account of one' });
  });

  it('refuses without a terminal and without --yes, and changes nothing', async () => {
    const { file, out, state, records } = await synced();
    const before = await readFile(state, 'utf8');
    const refused = await run(['teardown', '-c', file]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(
      /teardown removes the tables of pipeline "fake" in destination\/\S+, and its saved position in file .*nobody can be asked.*--yes/s,
    );
    expect(await given('teardown')).toEqual([]);
    expect(await read(out)).toEqual(records);
    expect(await readFile(state, 'utf8')).toBe(before);
  });

  it('asks on a terminal what it will remove, and changes nothing for any answer but yes', async () => {
    const { file, out, state, records } = await synced();
    const terminal = () => Object.assign(new PassThrough(), { isTTY: true });
    const [stdin, stdout, stderr] = [terminal(), new PassThrough(), terminal()];
    stdin.write('n\n');
    const self = { env: { ...process.env, XDG_DATA_HOME: folder }, stdin, stdout, stderr } as unknown as CliProcess;
    expect(await runCli(['teardown', '-c', file], self)).toBe(10);
    expect(String(stderr.read())).toContain(
      `Remove the tables of pipeline "fake" in destination/fake-destination.mjs, and its saved position in file ${state}? The next sync reads it from the beginning. [y/N] penstock: Nothing was changed.`,
    );
    expect(await given('teardown')).toEqual([]);
    expect(await read(out)).toEqual(records);
  });

  it('of the source alone asks nobody and keeps the position', async () => {
    const { file, out, state, records } = await synced();
    const { source } = JSON.parse(await readFile(state, 'utf8'));
    expect((await run(['teardown', '-c', file, '--only', 'source'])).exitCode).toBe(0);
    expect(await given('teardown')).toHaveLength(1);
    expect(await read(out)).toEqual(records);
    expect(JSON.parse(await readFile(state, 'utf8')).source).toEqual(source);
  });

  it('is refused while an engine works on the pipeline, before anything is removed', async () => {
    const { file, out, state, records } = await synced();
    const lock = { host: 'elsewhere', pid: 7, since: '2026-01-31T12:00:00Z', token: 'other' };
    await writeFile(`${state}.lock`, JSON.stringify(lock));
    const refused = await run(['teardown', '-c', file, '--yes']);
    expect([refused.exitCode, refused.stderr]).toEqual([30, expect.stringContaining('process 7 on elsewhere')]);
    expect(await given('teardown')).toEqual([]);
    expect(await read(out)).toEqual(records);
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
    const torn = await run(['teardown', '-c', file, '--yes']);
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
