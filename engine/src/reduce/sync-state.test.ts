import { message, type StreamStatusPayload, type SyncState, syncStateSchema } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { catalogOfRun, initialSyncState, reduceState, unfinishedRunId } from './sync-state.ts';
import { catalogOf, deepFreeze, said, status } from './testing.ts';

const DAY = 86_400_000;
const now = Date.UTC(2026, 0, 31, 12, 0, 0, 750);
const later = now + DAY;
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const catalog = catalogOf(names, { supports_time_range: true });

function after(state: SyncState, ...payloads: StreamStatusPayload[]): SyncState {
  return payloads.reduce((at, payload) => deepFreeze(reduceState(at, status(payload, now + 1000))), deepFreeze(state));
}

/** A run in which every stream has come to another point. */
const cutOff = after(
  reduceState(
    initialSyncState({ runId: 'r1', now, catalog }),
    said(message.sourceState({ state_type: 'stream', stream: 'f', data: { cursor: 1 }, record_count: 5 }), now),
  ),
  { stream: 'a', status: 'complete' },
  { stream: 'b', status: 'skip', reason: 'not enabled' },
  { stream: 'c', status: 'error', error: 'no permission', failure_type: 'config' },
  { stream: 'd', status: 'error', error: 'too busy', failure_type: 'transient' },
  { stream: 'e', status: 'error', error: 'bug', failure_type: 'system' },
  { stream: 'f', status: 'start' },
);

it('keeps the source state of each checkpoint, and nothing else, with the progress', () => {
  const before = deepFreeze(initialSyncState({ now, catalog }));
  const one = reduceState(
    before,
    said(message.sourceState({ state_type: 'stream', stream: 'a', data: { at: 1 } }), now + 5),
  );
  expect(one.source.streams).toEqual({ a: { at: 1 } });
  expect(one.sync_run.progress.streams.a?.state_count).toBe(1);
  const global = message.sourceState({ state_type: 'global', data: { g: 1 }, streams: { b: 2 } });
  expect(reduceState(one, said(global, now)).source).toEqual({ streams: { a: { at: 1 }, b: 2 }, global: { g: 1 } });
  expect(reduceState(one, said(message.log({ level: 'info', message: 'x' }), now))).toBe(one);
  expect(syncStateSchema.parse(JSON.parse(JSON.stringify(one)))).toEqual(one);
});

it('keeps what connectors found out about their configs, whichever run begins', () => {
  const resolved_config = { source: { given: 'f', config: { account: 'x' } } };
  const previous = { ...cutOff, resolved_config };
  for (const runId of ['r1', 'r2', undefined]) {
    expect(initialSyncState({ previous, runId, now: later, catalog }).resolved_config).toBe(resolved_config);
  }
  expect(initialSyncState({ previous: cutOff, now: later, catalog })).not.toHaveProperty('resolved_config');
});

describe('a run', () => {
  it('freezes its ceiling at the second in which it begins', () => {
    const state = initialSyncState({ runId: 'r1', now, catalog });
    expect(state.sync_run).toMatchObject({ run_id: 'r1', time_ceiling: '2026-01-31T12:00:00Z' });
    expect(catalogOfRun(catalog, state).streams[0]?.time_range).toEqual({ lt: '2026-01-31T12:00:00Z' });
  });

  it('has no ceiling and new progress without a run id, and keeps the source state', () => {
    const state = initialSyncState({ previous: cutOff, now: later, catalog });
    expect(state.sync_run).not.toHaveProperty('run_id');
    expect(state.sync_run).not.toHaveProperty('time_ceiling');
    expect(state.sync_run.progress.streams.f?.record_count).toBe(0);
    expect(state.source).toEqual(cutOff.source);
    expect(catalogOfRun(catalog, state)).toEqual(catalog);
  });

  it('begins anew with another run id: a new ceiling, every stream, the source state kept', () => {
    const state = initialSyncState({ previous: cutOff, runId: 'r2', now: later, catalog });
    expect(state.sync_run).toMatchObject({ run_id: 'r2', time_ceiling: '2026-02-01T12:00:00Z' });
    expect(Object.values(state.sync_run.progress.streams).map((stream) => stream.status)).toEqual(
      names.map(() => 'not_started'),
    );
    expect(state.source).toEqual(cutOff.source);
    expect(initialSyncState({ previous: cutOff, runId: 'r1', newRun: true, now: later, catalog }).sync_run).toEqual({
      ...state.sync_run,
      run_id: 'r1',
    });
  });
});

describe('a continuation', () => {
  const state = initialSyncState({ previous: deepFreeze(cutOff), runId: 'r1', now: later, catalog });

  it('keeps the ceiling and adds to the same progress', () => {
    expect(state.sync_run.time_ceiling).toBe('2026-01-31T12:00:00Z');
    expect(state.sync_run.progress.started_at).toBe(cutOff.sync_run.progress.started_at);
    expect(state.sync_run.progress.streams.f).toMatchObject({ status: 'not_started', record_count: 5, state_count: 1 });
  });

  it('leaves out what completed, was skipped or failed by config, and tries the rest again', () => {
    expect(catalogOfRun(catalog, state).streams.map(({ stream }) => stream.name)).toEqual(['d', 'e', 'f']);
    expect(state.sync_run.progress.streams.d).toEqual({ status: 'not_started', record_count: 0, state_count: 0 });
    expect(state.sync_run.progress.streams.c).toMatchObject({ status: 'errored', message: 'no permission' });
  });

  it('follows the catalog: new streams begin, streams that are gone are forgotten', () => {
    const changed = initialSyncState({ previous: cutOff, runId: 'r1', now: later, catalog: catalogOf(['new', 'a']) });
    expect(Object.keys(changed.sync_run.progress.streams)).toEqual(['new', 'a']);
  });

  it('forgets that the connection failed before', () => {
    const failed = reduceState(cutOff, said(message.connectionStatus({ status: 'failed', message: 'no' }), now));
    const again = initialSyncState({ previous: failed, runId: 'r1', now: later, catalog });
    expect(again.sync_run.progress).not.toHaveProperty('connection_status');
    expect(again.sync_run.progress.derived.status).toBe('started');
  });
});

describe('the ceiling', () => {
  const state = initialSyncState({ runId: 'r1', now, catalog });
  const ranged = (changes: Parameters<typeof catalogOf>[1]) =>
    catalogOfRun(catalogOf(['a'], changes), state).streams[0]?.time_range;

  it.each([
    ['a stream that supports no range has none', {}, undefined],
    [
      'a bound of the user stays',
      { supports_time_range: true, time_range: { lt: '2025-01-01T00:00:00Z' } },
      { lt: '2025-01-01T00:00:00Z' },
    ],
    [
      'a lower bound of the user is kept',
      { supports_time_range: true, time_range: { gte: '2025-01-01T00:00:00Z' } },
      { gte: '2025-01-01T00:00:00Z', lt: '2026-01-31T12:00:00Z' },
    ],
    [
      'a lower bound after the ceiling leaves nothing, not a backwards range',
      { supports_time_range: true, time_range: { gte: '2027-01-01T00:00:00Z' } },
      { gte: '2027-01-01T00:00:00Z', lt: '2027-01-01T00:00:00Z' },
    ],
  ])('%s', (_case, changes, expected) => {
    expect(ranged(changes)).toEqual(expected);
  });
});

describe('the run that a call without a run id belongs to', () => {
  it('is the one that was cut off', () => {
    expect(unfinishedRunId(cutOff, catalog)).toBe('r1');
  });

  it('is none when every stream has ended, even when some failed: a new run tries them again', () => {
    expect(unfinishedRunId(after(cutOff, { stream: 'f', status: 'complete' }), catalog)).toBeUndefined();
  });

  it('is none when only streams that are not wanted any more are left, when there was no run, or no state', () => {
    expect(unfinishedRunId(cutOff, catalogOf(['a', 'b', 'new']))).toBeUndefined();
    expect(unfinishedRunId(initialSyncState({ now, catalog }), catalog)).toBeUndefined();
    expect(unfinishedRunId(undefined, catalog)).toBeUndefined();
  });
});
