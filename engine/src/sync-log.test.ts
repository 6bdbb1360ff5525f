import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callPenstock } from './launch/testing/call-penstock.ts';
import { fakePipeline } from './launch/testing/penstock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-log-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const entriesIn = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);

describe('penstock sync --log-format json', () => {
  it('prints nothing but entries that say which run and pipeline they are of, on stderr too', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 20 }, mode: 'stray' });
    const run = await callPenstock(['sync', '-c', file, '--log-format', 'json', '--metrics-port', '0']);
    expect(run.exitCode).toBe(30);
    const entries = entriesIn(run.stdout);
    for (const entry of entries) {
      expect(entry).toMatchObject({
        pipeline: 'fake',
        run_id: expect.stringMatching(/^run_/),
        time: expect.any(String),
      });
      expect(entry.component).toMatch(/^(engine|source\/fake-source\.mjs|destination\/fake-destination\.mjs)$/);
    }
    const events = (name?: string) => entries.filter(({ stream }) => stream === name).map(({ event }) => event);
    expect([entries[0]!.event, entries.at(-1)!.event]).toEqual(['run_started', 'run_ended']);
    expect(events()).toEqual(['run_started', 'run_ended']);
    // Between two streams there is no order.
    expect(events('a')).toEqual(['stream_started', 'stream_completed']);
    expect(events('nobody_asked')).toEqual(['stream_failed']);
    expect(entries).toHaveLength(5);
    expect(entriesIn(run.stderr)).toMatchObject([
      { event: 'note', pipeline: 'fake', message: expect.stringMatching(/^Metrics: http/) },
    ]);
  });

  it('ends with an entry of the run also when it could not begin', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 'many' } });
    const run = await callPenstock(['sync', '-c', file, '--log-format', 'json']);
    expect(run.exitCode).toBe(20);
    expect(entriesIn(run.stdout)).toMatchObject([
      {
        level: 'error',
        event: 'run_ended',
        pipeline: 'fake',
        failure_type: 'config',
        message: expect.stringContaining('streams'),
      },
    ]);
  });

  it('shows logs from the level on that is wanted', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 1 }, mode: 'talkative' });
    const args = ['sync', '-c', file, '--log-format', 'json', '--log-level', 'error'];
    const quiet = entriesIn((await callPenstock(args)).stdout);
    expect(quiet.some(({ event }) => event === 'log')).toBe(false);
    const loud = entriesIn((await callPenstock([...args.slice(0, -1), 'info', '--reset-state'])).stdout);
    expect(loud).toContainEqual(
      expect.objectContaining({
        event: 'log',
        level: 'info',
        message: 'looking around',
        component: 'source/fake-source.mjs',
      }),
    );
  });

  it('shows what connectors write on stderr at level debug, without their secrets', async () => {
    const secret = 'sk_very_secret';
    const { file } = await fakePipeline(folder, { streams: { a: 4 }, page: 2, mode: 'crash', api_key: secret });
    const run = await callPenstock(['sync', '-c', file, '--log-format', 'json', '--log-level', 'debug']);
    expect(run.exitCode).toBe(30);
    expect(run.stdout).not.toContain(secret);
    expect(entriesIn(run.stdout)).toContainEqual(
      expect.objectContaining({
        event: 'log',
        level: 'debug',
        component: 'source/fake-source.mjs',
        message: 'the key ******** made me crash',
        data: { stderr: true },
      }),
    );
  });
});
