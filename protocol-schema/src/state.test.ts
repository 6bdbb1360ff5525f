import { describe, expect, test } from 'vitest';
import {
  emptySourceState,
  reduceSourceState,
  type SourceStatePayload,
  sourceStateSetSchema,
  syncStateSchema,
} from './state.ts';

function reduceAll(...checkpoints: SourceStatePayload[]) {
  return checkpoints.reduce(reduceSourceState, emptySourceState());
}

describe('reduceSourceState', () => {
  test('keeps the last checkpoint of each stream', () => {
    const state = reduceAll(
      { state_type: 'stream', stream: 'a', data: { n: 1 } },
      { state_type: 'stream', stream: 'b', data: null },
      { state_type: 'stream', stream: 'a', data: { n: 2 }, record_count: 3 },
    );
    expect(state).toEqual({ streams: { a: { n: 2 }, b: null }, global: {} });
  });

  test('lets a global checkpoint replace the global part and the streams that it names', () => {
    const state = reduceAll(
      { state_type: 'stream', stream: 'a', data: 1 },
      { state_type: 'stream', stream: 'b', data: 2 },
      { state_type: 'global', data: { cursor: 1, old: true } },
      { state_type: 'global', data: { cursor: 2 }, streams: { b: 3 } },
    );
    expect(state).toEqual({ streams: { a: 1, b: 3 }, global: { cursor: 2 } });
  });

  test('changes nothing that it was given', () => {
    const before = Object.freeze({ streams: Object.freeze({ a: 1 }), global: Object.freeze({ x: 1 }) });
    reduceSourceState(before, { state_type: 'stream', stream: 'a', data: 2 });
    reduceSourceState(before, { state_type: 'global', data: {}, streams: { a: 3 } });
    expect(before).toEqual({ streams: { a: 1 }, global: { x: 1 } });
  });

  test('takes a stream named __proto__ for a stream', () => {
    const state = reduceAll({ state_type: 'stream', stream: '__proto__', data: { n: 1 } });
    expect(JSON.stringify(state)).toBe('{"streams":{"__proto__":{"n":1}},"global":{}}');
    expect(JSON.stringify(sourceStateSetSchema.parse(state))).toBe('{"streams":{"__proto__":{"n":1}},"global":{}}');
  });

  test('gives every caller an empty state of its own', () => {
    const first = sourceStateSetSchema.parse({});
    first.streams.a = 1;
    expect(sourceStateSetSchema.parse({})).toEqual({ streams: {}, global: {} });
    expect(emptySourceState()).toEqual({ streams: {}, global: {} });
  });
});

test('sync_run_id is read as run_id', () => {
  const derived = { status: 'started', records_per_second: 0, states_per_second: 0 };
  const progress = { started_at: '2026-01-31T12:00:00Z', elapsed_ms: 0, global_state_count: 0, derived, streams: {} };
  const state = syncStateSchema.parse({ source: {}, sync_run: { sync_run_id: 'r1', progress } });
  expect(state.sync_run).toEqual({ run_id: 'r1', progress });
  expect(
    syncStateSchema.parse({ source: {}, sync_run: { run_id: 'r2', sync_run_id: 'r1', progress } }).sync_run.run_id,
  ).toBe('r2');
});
