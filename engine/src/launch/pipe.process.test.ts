import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pod, type PodOptions, startPod } from './testing/pod.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'penstock-pod-'));
});
afterAll(() => rm(root, { recursive: true }));

let count = 0;
const newFolder = (): string => join(root, String(++count));

/** Two streams, slow enough to be disturbed. */
const slow = { streams: { a: 2000, b: 2000 }, page: 50, delay_ms: 20 };
const quick = { ...slow, delay_ms: 0 };

async function untilRecords(folder: string, records: number): Promise<void> {
  for (;;) {
    const text = await readFile(join(folder, 'out.txt'), 'utf8').catch(() => '');
    if (text.split('\n').length > records) return;
    await delay(10);
  }
}

async function ids(folder: string): Promise<{ all: number; different: number }> {
  const lines = (await readFile(join(folder, 'out.txt'), 'utf8')).split('\n').filter((line) => line !== '');
  return { all: lines.length, different: new Set(lines).size };
}

/** Runs a pod, does something to it while it works, and gives the engine's end. */
async function runPod(folder: string, options: PodOptions, disturb?: (pod: Pod) => void | Promise<void>) {
  const pod = await startPod(folder, options);
  if (disturb !== undefined) {
    await untilRecords(folder, 200);
    await disturb(pod);
  }
  const startedAtMs = Date.now();
  const run = await pod.engine.done;
  const connectors = await pod.connectors;
  return { ...run, connectors, tookMs: Date.now() - startedAtMs };
}

describe('an engine that is joined with its connectors by named pipes', () => {
  it('moves everything, and all three end with 0', async () => {
    const folder = newFolder();
    const { exitCode, eof, messages, connectors } = await runPod(folder, { source: quick });
    expect(exitCode).toBe(0);
    expect(connectors).toEqual([0, 0]);
    expect(eof).toMatchObject({ status: 'succeeded', has_more: false });
    expect(await ids(folder)).toEqual({ all: 4000, different: 4000 });
    // The fake destination's spec has no name.
    expect(new Set(messages.map(({ _emitted_by }) => _emitted_by))).toEqual(new Set(['engine', 'destination/pipes']));
  });

  it.each(['source', 'destination'] as const)(
    'says that the %s was cut off, and the next one goes on',
    async (side) => {
      const folder = newFolder();
      const first = await runPod(folder, { source: slow }, (pod) => void pod[side].kill('SIGKILL'));
      expect(first.exitCode).toBe(30);
      expect(first.stderr).toMatch(
        new RegExp(`${side}/\\S+ closed its output before its work was done; the log of its container says why`),
      );
      const second = await runPod(folder, { source: quick });
      expect(second.exitCode).toBe(0);
      const found = await ids(folder);
      expect(found.different).toBe(4000);
      // It went on from what was saved.
      expect(found.all).toBeLessThan(4000 + 1000);
    },
  );

  it('takes both connectors along when it is killed, and the next one goes on', async () => {
    const folder = newFolder();
    const first = await runPod(folder, { source: slow }, (pod) => void pod.engine.child.kill('SIGKILL'));
    expect(first.connectors[0]).not.toBe(0);
    expect(first.tookMs).toBeLessThan(10_000);
    expect((await runPod(folder, { source: quick })).exitCode).toBe(0);
    expect((await ids(folder)).different).toBe(4000);
  });

  it.each([
    ['first', ['engine', 'source', 'destination']],
    ['last', ['destination', 'source', 'engine']],
  ] as const)(
    'ends with 10 and saves when all three are asked to stop and it hears of that %s',
    async (_when, order) => {
      const folder = newFolder();
      const first = await runPod(folder, { source: slow }, async (pod) => {
        for (const who of order) {
          (who === 'engine' ? pod.engine.child : pod[who]).kill('SIGTERM');
          await delay(300);
        }
      });
      expect(first.exitCode).toBe(10);
      expect(first.eof).toMatchObject({ has_more: true, reason: 'aborted' });
      expect(Object.keys(first.eof!.ending_state.source.streams)).not.toEqual([]);
      expect((await runPod(folder, { source: quick })).exitCode).toBe(0);
      expect((await ids(folder)).different).toBe(4000);
    },
  );

  it('passes on why the source refused, with its exit code', async () => {
    const { exitCode, stdout } = await runPod(newFolder(), { source: { ...quick, mode: 'bad_key' } });
    expect(exitCode).toBe(20);
    expect(stdout).toContain('bad key');
  });

  it('drops a last line without its newline, and says so', async () => {
    const folder = newFolder();
    const cut = async (pipes: string): Promise<void> => {
      const output = join(pipes, 'source', 'output');
      await writeFile(
        join(folder, 'cut.sh'),
        `exec 3> ${output}; printf '{"type":"stream_status","stream_status":{"stream":"a","status":"start"}}\\n{"type"' >&3`,
      );
    };
    const pod = await startPod(folder, { source: { ...slow, delay_ms: 60_000 }, prepare: cut });
    await untilRecords(folder, 10);
    execFileSync('sh', [join(folder, 'cut.sh')]);
    pod.source.kill('SIGKILL');
    const run = await pod.engine.done;
    expect(run.exitCode).toBe(30);
    expect(run.stdout).toMatch(/ended in the middle of line \d+; its 7 bytes are dropped/);
    await pod.connectors;
  });
});

describe('connectors that wait for an engine with nothing for them', () => {
  it('end with 0 when the run is over', async () => {
    const folder = newFolder();
    const engineArgs = ['--run-id', 'one'];
    expect((await runPod(folder, { source: quick, engineArgs })).exitCode).toBe(0);
    const again = await runPod(folder, { source: quick, engineArgs });
    expect([again.exitCode, ...again.connectors]).toEqual([0, 0, 0]);
    expect((await ids(folder)).all).toBe(4000);
  });

  it('end at once when the state can not be had', async () => {
    const state = { postgres: { url: 'postgres://nobody@127.0.0.1:9/none' } };
    const { exitCode, stdout, tookMs } = await runPod(newFolder(), { source: quick, state });
    expect(exitCode).toBe(50);
    expect(stdout).toContain('127.0.0.1:9');
    expect(tookMs).toBeLessThan(20_000);
  });

  it('end at once when the other one has no spec', async () => {
    const { exitCode, stderr, tookMs } = await runPod(newFolder(), {
      source: quick,
      prepare: (pipes) => rm(join(pipes, 'destination', 'spec')),
    });
    expect(exitCode).toBe(20);
    expect(stderr).toMatch(/there is no file .*destination\/spec with its answer to `spec`\. .* an init container/);
    expect(tookMs).toBeLessThan(20_000);
  });
});
