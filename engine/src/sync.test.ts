import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline, type PenstockRun, runPenstock, startPenstock } from './launch/testing/penstock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-sync-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The ids in the destination, each once, by number. */
async function idsIn(path: string): Promise<string[]> {
  return [...new Set((await readFile(path, 'utf8')).trim().split('\n'))];
}

function kinds(run: PenstockRun): string[] {
  return run.messages.map(({ type }) => type);
}

const wait = (check: () => boolean): Promise<void> => expect.poll(check).toBe(true);

describe('penstock sync', () => {
  it('moves every record, says catalog first and eof last, and keeps the state', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 1000, b: 50 } });
    const run = await runPenstock(['sync', '-c', file, '--json']);
    expect(run.stderr).toBe('');
    expect(run.exitCode).toBe(0);
    expect(await idsIn(out)).toHaveLength(1050);
    expect(kinds(run).slice(0, 2)).toEqual(['catalog', 'progress']);
    expect(kinds(run)).not.toContain('record');
    expect(run.messages.every(({ _emitted_by, _ts }) => _emitted_by !== undefined && _ts !== undefined)).toBe(true);
    expect(run.eof).toMatchObject({
      status: 'succeeded',
      has_more: false,
      reason: 'complete',
      ending_state: { source: { streams: { a: { next: 1000 }, b: { next: 50 } } } },
      run_progress: { streams: { a: { status: 'completed', state_count: 10 }, b: { status: 'completed' } } },
    });
    const shown = await callPenstock(['state', 'show', '-c', file, '--json']);
    expect(JSON.parse(shown.stdout)).toEqual(run.eof!.ending_state);
  });

  it.each([0, 1.5, 4, 6])(
    'fails when a source ends well but only its first %d of 7 lines arrive, and the next run moves the rest',
    async (lines) => {
      const lossy = await fakePipeline(folder, { streams: { a: 3 }, page: 2, lines });
      const run = await callPenstock(['sync', '-c', lossy.file, '--json']);
      expect(run.exitCode).toBe(30);
      expect(run.eof).toMatchObject({ status: 'failed', run_progress: { streams: { a: { status: 'errored' } } } });
      const { file, out } = await fakePipeline(folder, { streams: { a: 3 }, page: 2, lines: 7 });
      const next = await callPenstock(['sync', '-c', file, '--json']);
      expect([next.exitCode, next.eof!.run_progress.streams.a!.status]).toEqual([0, 'completed']);
      expect(await idsIn(out)).toHaveLength(3);
    },
  );

  it('begins a new run after a finished one, with the state kept', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 10 } });
    const first = await callPenstock(['sync', '-c', file, '--json']);
    const second = await callPenstock(['sync', '-c', file, '--json']);
    expect(second.eof!.ending_state.sync_run.run_id).not.toBe(first.eof!.ending_state.sync_run.run_id);
    expect(second.eof!.run_progress.streams.a).toMatchObject({ status: 'completed', state_count: 0 });
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(10);
  });

  it('starts nothing for a run that is over', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 10 } });
    await callPenstock(['sync', '-c', file, '--run-id', 'mine']);
    const again = await callPenstock(['sync', '-c', file, '--run-id', 'mine', '--json']);
    expect([again.exitCode, again.eof!.status, again.eof!.has_more]).toEqual([0, 'succeeded', false]);
    expect(again.stdout).toContain('mine is over');
    expect(again.eof!.run_progress.streams.a!.status).toBe('completed');
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(10);
  });

  it('stops softly at its time limit with exit code 10, and the next call goes on with the same run', async () => {
    // Far longer than the limit, which is far longer than the start.
    const { file, out } = await fakePipeline(folder, { streams: { a: 50, b: 400 }, page: 10, delay_ms: 300 });
    const first = await callPenstock(['sync', '-c', file, '--json', '--time-limit', '5']);
    expect(first.exitCode).toBe(10);
    expect(first.eof).toMatchObject({ status: 'started', has_more: true, reason: 'time_limit' });
    await fakePipeline(folder, { streams: { a: 50, b: 400 } });
    const last = await callPenstock(['sync', '-c', file, '--json']);
    expect(last.exitCode).toBe(0);
    const { run_id, time_ceiling } = last.eof!.ending_state.sync_run;
    expect(run_id).toBe(first.eof!.ending_state.sync_run.run_id);
    expect(time_ceiling).toBe(first.eof!.ending_state.sync_run.time_ceiling);
    // A stream that was complete is not read again.
    expect((await readFile(out, 'utf8')).split('\n').filter((id) => id === 'a_0')).toHaveLength(1);
    expect(await idsIn(out)).toHaveLength(450);
  });

  it('stops softly on SIGTERM: what is committed is saved, and the source is asked to stop', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 100_000 }, page: 10, delay_ms: 20 });
    const process = startPenstock(['sync', '-c', file, '--json']);
    await wait(() => process.stdout().includes('source_state'));
    process.child.kill('SIGTERM');
    const run = await process.done;
    expect(run.exitCode).toBe(10);
    expect(run.eof).toMatchObject({ has_more: true, reason: 'aborted' });
    expect((run.eof!.ending_state.source.streams.a as { next: number }).next).toBe((await idsIn(out)).length);
  });

  it('kills both sides on a second signal, and what was saved stays', async () => {
    const source = { streams: { a: 100_000 }, page: 10, delay_ms: 20, mode: 'stubborn' };
    const { file } = await fakePipeline(folder, source);
    const process = startPenstock(['sync', '-c', file, '--json']);
    await wait(() => process.stdout().includes('source_state'));
    const children = await childrenOf(process.child.pid!);
    process.child.kill('SIGINT');
    await wait(() => process.stderr().includes('Once more to kill'));
    process.child.kill('SIGINT');
    const run = await process.done;
    expect(run.exitCode).toBe(10);
    expect(run.eof).toMatchObject({ has_more: true, reason: 'aborted' });
    expect(children.every((pid) => !existsSync(`/proc/${pid}`))).toBe(true);
  });

  it('says that nothing moves after as long as is wanted, and goes on', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 6 }, page: 2, delay_ms: 1500 });
    const run = await callPenstock(['sync', '-c', file, '--json', '--stall-timeout', '0.3']);
    const logs = run.messages.flatMap((each) => (each.type === 'log' ? [each.log.message] : []));
    expect(logs).toContainEqual(expect.stringMatching(/^No message from .* for 0\.\d s\.$/));
    expect(run.exitCode).toBe(0);
    expect(await idsIn(out)).toHaveLength(6);
  });

  it('loses nothing when it is killed again and again, and leaves no process behind', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 300, b: 300 }, page: 10, delay_ms: 20 });
    for (let i = 0; i < 3; i++) {
      const process = startPenstock(['sync', '-c', file, '--json'], { TMPDIR: folder });
      await wait(() => (process.stdout().match(/"source_state"/g) ?? []).length > 4);
      const children = await childrenOf(process.child.pid!);
      expect(children).toHaveLength(2);
      process.child.kill('SIGKILL');
      await process.done;
      await wait(() => children.every((pid) => !existsSync(`/proc/${pid}`)));
    }
    const last = await runPenstock(['sync', '-c', file, '--json'], { TMPDIR: folder });
    expect(last.exitCode).toBe(0);
    expect(await idsIn(out)).toHaveLength(600);
    expect((await readdir(folder)).filter((name) => name.startsWith('penstock-run-'))).toEqual([]);
  });

  it('reports a source that crashes, with its stderr and without its secret, and goes on next time', async () => {
    const source = { streams: { a: 400 }, mode: 'crash', api_key: 'sk_very_secret' };
    const { file, out } = await fakePipeline(folder, source);
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect(run.exitCode).toBe(30);
    expect(run.eof).toMatchObject({ status: 'failed', has_more: false, reason: 'error' });
    expect(run.eof!.run_progress.connection_status?.message).toMatch(/ended with exit code 3.*made me crash/);
    expect(run.stdout + run.stderr).not.toContain('sk_very_secret');
    const again = await callPenstock([
      'sync',
      '-c',
      (await fakePipeline(folder, { streams: { a: 400 } })).file,
      '--json',
    ]);
    expect(again.exitCode).toBe(0);
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(400);
  });

  it('reports a destination that dies, with its stderr and without its secret', async () => {
    const { file } = await fakePipeline(
      folder,
      { streams: { a: 10_000 } },
      { die_after: 250, password: 'hunter2-long' },
    );
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect(run.exitCode).toBe(30);
    expect(run.eof!.run_progress.connection_status?.message).toMatch(/exit code 7.*no space left/);
    expect(run.stdout + run.stderr).not.toContain('hunter2-long');
    expect(run.eof!.ending_state.source.streams.a).toEqual({ next: 200 });
  });

  it('ends at once on bad credentials, with one clear message and exit code 20', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 10 }, mode: 'bad_key' });
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect(run.exitCode).toBe(20);
    expect(kinds(run).filter((kind) => kind === 'connection_status')).toHaveLength(1);
    expect(run.eof).toMatchObject({ status: 'failed', reason: 'error', has_more: false });
  });

  it('fails the streams that the source left without an end', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 10 }, mode: 'silent_end' });
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect(run.exitCode).toBe(30);
    expect(run.eof!.run_progress.streams.a).toMatchObject({ status: 'errored', failure_type: 'system' });
  });

  it('says the catalog before what was logged meanwhile, and cuts the secrets of the source out of what comes back', async () => {
    const source = { streams: { a: 10 }, mode: 'talkative', api_key: 'sk_very_secret' };
    const { file, state } = await fakePipeline(folder, source);
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect(kinds(run).slice(0, 3)).toEqual(['catalog', 'progress', 'log']);
    expect(run.stdout).toContain('looking around');
    expect(run.eof!.run_progress.streams.a).toMatchObject({
      status: 'errored',
      message: expect.stringMatching(/^refused/),
    });
    expect(run.exitCode).toBe(20);
    expect(run.stdout + run.stderr + (await readFile(state, 'utf8'))).not.toContain('sk_very_secret');
  });

  it('makes a stream that nobody asked for an error, once, while the others go on', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 10 }, mode: 'stray' });
    const run = await callPenstock(['sync', '-c', file, '--json']);
    expect(run.exitCode).toBe(30);
    const errors = run.messages.filter((m) => m.type === 'stream_status' && m.stream_status.status === 'error');
    expect(errors).toHaveLength(1);
    expect(run.eof!.run_progress.streams.a!.status).toBe('completed');
    expect(await idsIn(out)).toHaveLength(10);
  });

  it('gives both sides their files privately, and removes them', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 500 }, api_key: 'sk_very_secret', delay_ms: 300 });
    const process = startPenstock(['sync', '-c', file, '--json'], { TMPDIR: folder });
    await wait(() => process.stdout().includes('source_state'));
    const folders = (await readdir(folder)).filter((name) => name.startsWith('penstock-run-'));
    expect(folders).toHaveLength(2);
    for (const name of folders) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o700);
      expect((await stat(join(folder, name, 'config.json'))).mode & 0o777).toBe(0o600);
    }
    for (const pid of await childrenOf(process.child.pid!)) {
      expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('sk_very_secret');
      expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('sk_very_secret');
    }
    await process.done;
    expect((await readdir(folder)).filter((name) => name.startsWith('penstock-run-'))).toEqual([]);
  });

  it.each([
    [['sync'], 2, /There is no source/],
    [['snyc'], 2, /sync/],
    [['sync', '-c', '/no/such.yaml'], 2, /\/no\/such.yaml can't be read: there is no such file/],
    [['sync', '--source', 'nonesuch', '--state', 'x'], 20, /no source of the type "nonesuch"/],
    [['sync', '-c', 'FILE', '--streams', 'aa'], 20, /no stream "aa" \(did you mean a\?\)/],
    [['sync', '-c', 'FILE', '--source.config.pgae', '5'], 2, /unknown key "pgae". Did you mean "page"\?/],
    [['sync', '-c', 'FILE', '--source.config.api-key', 'sk_1'], 2, /is a secret/],
    [['sync', '-c', 'FILE', '--jsno'], 2, /jsno/],
    [['sync', '-c', 'FILE', '--streams', ','], 2, /--streams needs the names/],
    [['sync', '-c', 'FILE', '--time-limit', '3000000'], 2, /--time-limit: expected .* at most 2147483/],
  ])('answers %j in a line or two that say what to do', async (args, exitCode, expected) => {
    const { file } = await fakePipeline(folder, { streams: { a: 10 } });
    const run = await callPenstock(
      args.map((arg) => (arg === 'FILE' ? file : arg)),
      { XDG_DATA_HOME: folder },
    );
    expect(`${run.stdout}${run.stderr}`).toMatch(expected);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  });
});

describe('penstock check, discover, spec and state', () => {
  it('check promises no Postgres of your own to containers, which could not reach it', async () => {
    const nowhere = { DOCKER_HOST: 'tcp://127.0.0.1:1' };
    const checked = await runPenstock(['check', '--source', 'stripe', '--launcher', 'docker'], nowhere);
    expect(checked.exitCode).toBe(30);
    expect(checked.stdout).toMatch(
      /^source +failed .*Docker can't be reached at 127\.0\.0\.1:1.*\ndestination +failed /,
    );
    expect(checked.stdout).not.toContain('sync uses');
  });

  it('spec takes the flags of containers, and lists them', async () => {
    const help = await runPenstock(['spec', '--help']);
    for (const flag of ['--pull', '--docker.network', '--docker.memory', '--docker.cpus']) {
      expect(help.stdout).toContain(flag);
    }
    const refused = await callPenstock(['spec', '--source', 'stripe', '--pull', 'sometimes']);
    expect([refused.exitCode, refused.stderr]).toEqual([
      2,
      expect.stringContaining('--pull: expected missing, always'),
    ]);
  });

  it('check says a line for each side, and its exit code tells', async () => {
    const good = await fakePipeline(folder, { streams: { a: 10 } });
    const ok = await callPenstock(['check', '-c', good.file]);
    expect([ok.exitCode, ok.stdout.trim().split('\n').length]).toEqual([0, 2]);
    const bad = await fakePipeline(folder, { streams: { a: 10 }, mode: 'bad_key' });
    const failed = await callPenstock(['check', '-c', bad.file]);
    expect([failed.exitCode, failed.stdout]).toEqual([20, expect.stringMatching(/source\s+failed.*a message/)]);
  });

  it('check that is interrupted leaves neither a process nor a file behind', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 10 }, mode: 'stubborn', api_key: 'sk_very_secret' });
    const process = startPenstock(['check', '-c', file], { TMPDIR: folder });
    await wait(() => readdirSync(folder).some((name) => existsSync(join(folder, name, 'config.json'))));
    const children = await childrenOf(process.child.pid!);
    process.child.kill('SIGINT');
    const run = await process.done;
    expect([run.exitCode, run.stdout]).toEqual([10, '']);
    expect(children.every((pid) => !existsSync(`/proc/${pid}`))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('penstock-run-'))).toEqual([]);
  });

  it('discover lists the streams and spec the keys', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 10, bee: 1 } });
    expect((await callPenstock(['discover', '-c', file])).stdout).toMatch(/stream\s+primary key[\s\S]*bee\s+id\s+yes/);
    expect((await callPenstock(['spec', '-c', file])).stdout).toMatch(/api_key\s+string\s+.*secret/);
  });

  it('state reset makes the next run begin at the beginning', async () => {
    const { file, out } = await fakePipeline(folder, { streams: { a: 10 } });
    await callPenstock(['sync', '-c', file]);
    expect((await callPenstock(['state', 'reset', '-c', file])).exitCode).toBe(0);
    await callPenstock(['sync', '-c', file]);
    expect((await readFile(out, 'utf8')).trim().split('\n')).toHaveLength(20);
  });
});

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.trim().split(' ').filter(Boolean).map(Number);
}
