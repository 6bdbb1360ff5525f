import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineMessage } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { preparedFake } from './launch/testing/prepared-fake.ts';
import { fileStateStore } from './store/file-state-store.ts';
import { runSync, type SyncOptions } from './sync.ts';
import { runUntilDone } from './sync-until-done.ts';

/** How much faster time passes here. */
const HASTE = 20;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-heartbeat-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The options of a run on a clock in haste, and the progress that it says. */
async function prepare(source: Record<string, unknown>) {
  const begin = Date.now();
  const progress: (EngineMessage & { type: 'progress' })['progress'][] = [];
  let saves = 0;
  const options: SyncOptions = {
    ...(await preparedFake(folder, source)),
    store: fileStateStore(join(folder, 'state.json')),
    now: () => begin + (Date.now() - begin) * HASTE,
    onSaved: () => {
      saves += 1;
    },
    onMessage: (message) => {
      if (message.type === 'progress') progress.push(message.progress);
      return undefined;
    },
  };
  return { options, progress, saves: () => saves };
}

describe('progress of a run', () => {
  it('goes on being said while the source is silent, and is not saved for that', async () => {
    const { options, progress, saves } = await prepare({ streams: { a: 2 }, page: 1, delay_ms: 2000 });
    const { exitCode } = await runSync(options);
    expect(exitCode).toBe(0);
    const alike = Map.groupBy(progress, ({ streams }) => JSON.stringify(streams));
    // Two silences of 40 seconds by this clock.
    const silences = [...alike.values()].filter(({ length }) => length > 3);
    expect(silences).toHaveLength(2);
    for (const silence of silences) {
      const times = silence.map(({ elapsed_ms }) => elapsed_ms);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(times.at(-1)! - times[0]!).toBeGreaterThan(15_000);
    }
    expect(saves()).toBeLessThan(10);
  });

  it('goes on being said while a run waits before it tries again', async () => {
    const { options, progress } = await prepare({ streams: { a: 1 }, mode: 'silent_end' });
    const stop = new AbortController();
    let before = 0;
    await runUntilDone({
      ...options,
      signal: stop.signal,
      pause: async () => {
        before = progress.length;
        await expect.poll(() => progress.length).toBeGreaterThan(before + 1);
        stop.abort();
      },
    });
    expect(before).toBeGreaterThan(0);
    expect(progress.at(-1)!.elapsed_ms).toBeGreaterThan(progress[before - 1]!.elapsed_ms);
  });
});

describe('a run that could not begin', () => {
  it('has taken the time that it has taken', async () => {
    const { options } = await prepare({ streams: { a: 1 } });
    const { eof } = await runSync({ ...options, streams: [{ name: 'none' }] });
    expect(eof.status).toBe('failed');
    expect(eof.request_progress.elapsed_ms).toBeGreaterThan(100);
    expect(eof.run_progress.elapsed_ms).toBe(eof.request_progress.elapsed_ms);
  });
});
