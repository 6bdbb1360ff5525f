import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RestartableServer, startRestartableServer } from '@penstock/local-postgres/testing';
import type { EngineMessage } from '@penstock/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { preparedFake } from './launch/testing/prepared-fake.ts';
import { postgresStateStore } from './store/postgres-state-store.ts';
import type { SyncResult } from './sync.ts';
import { runUntilDone } from './sync-until-done.ts';

let server: RestartableServer;
let folder: string;
beforeAll(async () => {
  server = await startRestartableServer();
});
afterAll(() => server.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-until-done-pg-test-'));
  await postgresStateStore({ url: server.url }).reset('fake');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Told {
  readonly result: SyncResult;
  readonly messages: readonly EngineMessage[];
  /** Waited before each try again, in milliseconds, or rather not waited. */
  readonly pauses: readonly number[];
}

const records = 300;

/**
 * Moves all records, with checkpoints slowly one after another and the state in the server.
 *
 * @param atCheckpoint called at the second one that is committed
 * @param inPause called in place of each pause, with its number
 */
async function run(
  atCheckpoint: () => Promise<void> = async () => {},
  inPause: (pause: number) => Promise<void> = async () => {},
): Promise<Told> {
  const sides = await preparedFake(folder, { streams: { a: records }, page: 10, delay_ms: 50 });
  const messages: EngineMessage[] = [];
  const pauses: number[] = [];
  const store = postgresStateStore({ url: server.url, retryMs: 300 });
  const giveUp = new AbortController();
  let checkpoints = 0;
  let happened: Promise<void> | undefined;
  const result = await runUntilDone({
    ...sides,
    store,
    signal: giveUp.signal,
    onMessage: (message) => {
      messages.push(message);
      if (message.type !== 'source_state') return undefined;
      checkpoints += 1;
      if (checkpoints === 2) happened = atCheckpoint();
      return undefined;
    },
    pause: async (ms) => {
      await happened;
      pauses.push(ms);
      // Far more than there should be: a run without an end fails here.
      if (pauses.length === 20) giveUp.abort();
      await inPause(pauses.length);
    },
  });
  await store.close();
  return { result, messages, pauses };
}

const kindsOf = (messages: readonly EngineMessage[]): string[] =>
  messages
    .map(({ type }) => type)
    .filter((type) => type === 'catalog' || type === 'connection_status' || type === 'eof');

async function ids(): Promise<string[]> {
  return (await readFile(join(folder, 'out.txt'), 'utf8')).trim().split('\n');
}

describe('a run until it is done whose state database goes away', () => {
  it('ends with 50 and names the database when it stays away, and goes on when it is back', async () => {
    const { result, messages, pauses } = await run(server.stop);
    try {
      expect(result.exitCode).toBe(50);
      expect(kindsOf(messages)).toEqual(['catalog', 'connection_status', 'eof']);
      const { port } = new URL(server.url);
      expect(result.error?.message).toMatch(
        new RegExp(`the state database Postgres \\S+:${port}/\\S+, schema "penstock"`),
      );
      expect(result.eof).toMatchObject({
        status: 'failed',
        reason: 'error',
        run_progress: { connection_status: { message: expect.stringContaining(`:${port}/`) } },
      });
      expect(pauses.length).toBeGreaterThanOrEqual(4);
      expect(pauses.length).toBeLessThanOrEqual(6);
      expect(pauses.slice(-4)).toEqual([1000, 2000, 4000, 8000]);
      // What was committed until then is told, though nothing could be read in the last try.
      expect(result.eof.request_progress.streams.a?.state_count).toBeGreaterThanOrEqual(2);
      expect((await ids()).length).toBeLessThan(records);
    } finally {
      await server.start();
    }
    const next = await run();
    expect([next.result.exitCode, next.result.eof.reason, next.pauses]).toEqual([0, 'complete', []]);
    expect(new Set(await ids()).size).toBe(records);
  });

  it('is one run that is complete when it comes back in between, and counts all of it', async () => {
    const { result, messages, pauses } = await run(server.stop, async (pause) => {
      if (pause === 2) await server.start();
    });
    expect(result.exitCode, result.error?.text).toBe(0);
    expect(pauses).toHaveLength(2);
    expect(kindsOf(messages)).toEqual(['catalog', 'eof']);
    expect(result.eof).toMatchObject({ status: 'succeeded', has_more: false, reason: 'complete' });
    expect(result.eof.ending_state.source.streams).toEqual({ a: { next: records } });
    // Each page that was committed was told once, also those from before.
    const told = messages.filter(({ type }) => type === 'source_state').length;
    expect(result.eof.request_progress.streams.a?.state_count).toBe(told);
    expect(new Set(await ids()).size).toBe(records);
  });
});
