import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError, type EngineMessage } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakePipeline } from './launch/testing/penstock.ts';
import { type RunSyncOptions, runSync } from './run-pipeline.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-listener-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bug = new Error('a bug of the listener');
const ways = {
  throws: () => {
    throw bug;
  },
  rejects: () => Promise.reject(bug),
};

/** A run whose listener fails on the first message that is wanted, and all that the listener was given. */
async function fail(file: string, way: keyof typeof ways, isIt: (message: EngineMessage) => boolean, more = {}) {
  const given: EngineMessage[] = [];
  let hasFailed = false;
  let callsAfter = 0;
  const options: RunSyncOptions = {
    ...more,
    onMessage(message) {
      if (hasFailed) callsAfter += 1;
      given.push(message);
      if (!isIt(message)) return undefined;
      // A rejected promise is found out only when all that was said at once is over.
      if (way === 'throws') hasFailed = true;
      else
        setImmediate(() => {
          hasFailed = true;
        });
      return ways[way]();
    },
  };
  const result = await runSync(file, options);
  await new Promise(setImmediate);
  return { result, given, callsAfter: () => callsAfter };
}

const isOf = (type: EngineMessage['type']) => (message: EngineMessage) => message.type === type;

const each = (Object.keys(ways) as (keyof typeof ways)[]).flatMap((way) =>
  (['catalog', 'progress', 'source_state', 'eof'] as const).map((type) => [way, type] as const),
);

describe('a listener of a program', () => {
  it.each(each)('that %s on the first %s makes the run a failed one that is saved and over', async (way, type) => {
    const { file, state } = await fakePipeline(folder, { streams: { a: 400, b: 3 }, page: 10, delay_ms: 5 });
    const { result, given, callsAfter } = await fail(file, way, isOf(type));
    expect(result).toMatchObject({ exitCode: 30, eof: { status: 'failed', reason: 'error' } });
    expect(result.error).toBeInstanceOf(CodedError);
    expect(result.error?.code).toBe('internal');
    expect(result.error?.message).toContain(`"${type}": a bug of the listener`);
    expect(result.error?.cause).toBe(bug);
    expect(callsAfter()).toBe(0);
    expect(given.filter(isOf('eof'))).toHaveLength(type === 'eof' ? 1 : 0);
    expect(JSON.parse(await readFile(state, 'utf8'))).toMatchObject({ source: result.eof.ending_state.source });
    const moved = result.eof.ending_state.source.streams.a as { next: number } | undefined;
    if (type === 'eof') expect(moved).toEqual({ next: 400 });
    else expect(moved?.next ?? 0).toBeLessThan(400);
    // The lease is given back, and the rest is moved.
    const next = await runSync(file);
    expect([next.exitCode, next.eof.ending_state.source.streams]).toEqual([0, { a: { next: 400 }, b: { next: 3 } }]);
  });

  it.each(['throws', 'rejects'] as const)('that %s while nothing else happens stops the connectors', async (way) => {
    const { file } = await fakePipeline(folder, { streams: { a: 9000 }, page: 10, delay_ms: 30 });
    let count = 0;
    const { result } = await fail(file, way, (message) => message.type === 'progress' && ++count === 4);
    expect(result).toMatchObject({ exitCode: 30, eof: { has_more: true, status: 'failed' } });
    const { next } = result.eof.ending_state.source.streams.a as { next: number };
    expect(next).toBeGreaterThan(0);
    expect(next).toBeLessThan(9000);
  });

  it.each(['throws', 'rejects'] as const)(
    'that %s on the failure of a connector is not asked for more',
    async (way) => {
      const { file } = await fakePipeline(folder, { streams: { a: 1 }, mode: 'bad_key' });
      const { result, callsAfter } = await fail(file, way, isOf('connection_status'));
      expect(result).toMatchObject({ exitCode: 30, error: { cause: bug } });
      expect(result.eof.run_progress.connection_status?.message).toBe('bad key');
      expect(callsAfter()).toBe(0);
    },
  );

  it.each(each)('that %s on the first %s is given no other try', async (way, type) => {
    const { file } = await fakePipeline(folder, { streams: { a: 5 }, page: 2, mode: 'silent_end' });
    const startedAt = performance.now();
    const { result, callsAfter } = await fail(file, way, isOf(type), { untilDone: true, timeLimitMs: 1500 });
    expect(result).toMatchObject({ exitCode: 30, error: { cause: bug }, eof: { reason: 'error' } });
    expect(callsAfter()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  it('that never takes its last message keeps the run no longer than a kill', async () => {
    const { file } = await fakePipeline(folder, { streams: { a: 1 } });
    const kill = new AbortController();
    const result = await runSync(file, {
      killSignal: kill.signal,
      onMessage: ({ type }) => {
        if (type !== 'eof') return undefined;
        setImmediate(() => kill.abort());
        return new Promise(() => undefined);
      },
    });
    expect(result.exitCode).toBe(0);
  });
});
