import { message, type StreamStatusPayload, type SyncState, syncStateSchema } from '@penstock/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from './event.ts';
import { isTerminal } from './progress.ts';
import { catalogOfRun, initialSyncState, reduceState } from './sync-state.ts';
import { catalogOf, deepFreeze } from './testing.ts';

/** Names that an object has by itself are names of streams too. */
const names = ['a', 'constructor', 'toString', 'b'];
const catalog = catalogOf(names, { supports_time_range: true });
const BEGIN = Date.UTC(2026, 0, 31);

const iso = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString();
const day = fc.integer({ min: 1, max: 28 });
const anyRange = fc.tuple(day, day).map(([x, y]) => ({ gte: iso(Math.min(x, y)), lt: iso(Math.max(x, y)) }));
const anyAt = fc.integer({ min: -5, max: 100_000 }).map((ms) => BEGIN + ms);
const anyFailure = fc.constantFrom('config' as const, 'transient' as const, 'system' as const);

const anyStatus = (stream: string): fc.Arbitrary<StreamStatusPayload> =>
  fc.oneof(
    fc.constant({ stream, status: 'start' } as const),
    anyRange.map((time_range) => ({ stream, status: 'start', time_range }) as const),
    fc.constant({ stream, status: 'running' } as const),
    anyRange.map((range_complete) => ({ stream, status: 'range_complete', range_complete }) as const),
    fc.constant({ stream, status: 'complete' } as const),
    fc.constant({ stream, status: 'skip', reason: 'r' } as const),
    anyFailure.map((failure_type) => ({ stream, status: 'error', error: 'e', failure_type }) as const),
  );

const anyEvent = (stream: string): fc.Arbitrary<EngineEvent> =>
  fc
    .tuple(
      anyAt,
      fc.oneof(
        anyStatus(stream).map((payload) => message.streamStatus(payload)),
        fc.nat(9).map((created) => message.writeResult({ stream, created, updated: 1, deleted: 0, skipped: 2 })),
        fc
          .tuple(fc.jsonValue(), fc.nat(9))
          .map(([data, record_count]) => message.sourceState({ state_type: 'stream', stream, data, record_count })),
        fc.constant(message.log({ level: 'info', message: 'm', stream })),
      ),
    )
    .map(([at, said]) => ({ type: 'message', at, message: said }));

/** What belongs to no stream: its own order holds, as that of a stream does. */
const anyGlobalEvent: fc.Arbitrary<EngineEvent> = fc.oneof(
  fc.tuple(anyAt, fc.dictionary(fc.string(), fc.nat())).map(
    ([at, data]): EngineEvent => ({
      type: 'message',
      at,
      message: message.sourceState({ state_type: 'global', data }),
    }),
  ),
  anyAt.map((at): EngineEvent => ({ type: 'tick', at })),
);

const anyLists = fc.tuple(
  ...names.map((name) => fc.array(anyEvent(name), { maxLength: 10 })),
  fc.array(anyGlobalEvent, { maxLength: 5 }),
);
const anyEvents = fc
  .tuple(anyLists, fc.array(fc.nat(), { maxLength: 60 }))
  .map(([lists, picks]) => interleave(lists, picks));

/** Mixes lists in the order that `picks` says, each list keeping its own order. */
function interleave<T>(lists: readonly (readonly T[])[], picks: readonly number[]): T[] {
  const rest = lists.map((list) => [...list]);
  const mixed: T[] = [];
  for (const pick of picks) {
    const list = rest[pick % rest.length]!;
    if (list.length > 0) mixed.push(list.shift()!);
  }
  return [...mixed, ...rest.flat()];
}

const begun = deepFreeze(initialSyncState({ runId: 'r', now: BEGIN, catalog }));

function reduceAll(state: SyncState, events: readonly EngineEvent[]): SyncState {
  return events.reduce((at, event) => deepFreeze(reduceState(at, deepFreeze(event))), state);
}

/** What a process that starts anew finds. */
function saved(state: SyncState): SyncState {
  return deepFreeze(syncStateSchema.parse(JSON.parse(JSON.stringify(state))));
}

const isStatus = (event: EngineEvent) => event.type === 'message' && event.message.type === 'stream_status';
const isState = (event: EngineEvent) => event.type === 'message' && event.message.type === 'source_state';

describe('for all events', () => {
  it('any interleaving of streams and of what belongs to none gives the same state', () => {
    fc.assert(
      fc.property(anyLists, fc.array(fc.nat(), { maxLength: 60 }), (lists, picks) => {
        expect(reduceAll(begun, interleave(lists, picks))).toEqual(reduceAll(begun, lists.flat()));
      }),
    );
  });

  it('hearing all statuses once more changes nothing, except that time has passed', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const after = reduceAll(begun, events);
        const again = reduceAll(after, events.filter(isStatus));
        expect(again.sync_run.progress.streams).toEqual(after.sync_run.progress.streams);
        expect(again.source).toBe(after.source);
      }),
    );
  });

  it('checkpoints that are replayed from anywhere on lead to the same source state', () => {
    fc.assert(
      fc.property(anyEvents, fc.nat(), (events, from) => {
        const checkpoints = events.filter(isState);
        const after = reduceAll(begun, checkpoints);
        const replayed = checkpoints.slice(checkpoints.length === 0 ? 0 : from % checkpoints.length);
        expect(reduceAll(after, replayed).source).toEqual(after.source);
      }),
    );
  });

  it('a state that is saved and loaded in the middle goes on as if nothing had happened', () => {
    fc.assert(
      fc.property(anyEvents, fc.nat(), (events, cut) => {
        const at = cut % (events.length + 1);
        const there = saved(reduceAll(begun, events.slice(0, at)));
        expect(saved(reduceAll(there, events.slice(at)))).toEqual(saved(reduceAll(begun, events)));
      }),
    );
  });

  it('what a stream hears changes no other stream', () => {
    fc.assert(
      fc.property(anyEvents, anyEvent('a'), (events, event) => {
        const before = reduceAll(begun, events);
        const after = reduceAll(before, [event]);
        for (const name of names.filter((each) => each !== 'a')) {
          const of = (state: SyncState) =>
            Object.getOwnPropertyDescriptor(state.sync_run.progress.streams, name)?.value;
          expect(of(after)).toBe(of(before));
        }
      }),
    );
  });

  it('no event is in the past: time and the counts of a run never fall', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        let before = begun;
        for (const event of events) {
          const after = reduceState(before, event);
          const [was, is] = [before.sync_run.progress, after.sync_run.progress];
          expect(is.elapsed_ms).toBeGreaterThanOrEqual(was.elapsed_ms);
          expect(is.global_state_count).toBeGreaterThanOrEqual(was.global_state_count);
          expect(Number.isFinite(is.derived.records_per_second)).toBe(true);
          before = after;
        }
      }),
    );
  });
});

describe('a continuation, after all events', () => {
  const next = (previous: SyncState) => initialSyncState({ previous, runId: 'r', now: BEGIN + 200_000, catalog });

  it('of a continuation is the same one', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const once = next(reduceAll(begun, events));
        expect(next(once)).toEqual(once);
      }),
    );
  });

  it('moves each stream that has not ended or failed by something that can pass, and no other', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const state = reduceAll(begun, events);
        const moved = catalogOfRun(catalog, next(state)).streams.map(({ stream }) => stream.name);
        const expected = names.filter((name) => {
          const { status, failure_type } = Object.getOwnPropertyDescriptor(
            state.sync_run.progress.streams,
            name,
          )!.value;
          return !isTerminal(status) || (status === 'errored' && failure_type !== 'config');
        });
        expect(moved).toEqual(expected);
      }),
    );
  });

  it('keeps the source state, the ceiling and what was counted', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const state = reduceAll(begun, events);
        const { source, sync_run } = next(state);
        expect(source).toEqual(state.source);
        expect(sync_run.time_ceiling).toBe(state.sync_run.time_ceiling);
        for (const name of names) {
          const of = (each: SyncState['sync_run']) =>
            Object.getOwnPropertyDescriptor(each.progress.streams, name)!.value;
          expect(of(sync_run).record_count).toBe(of(state.sync_run).record_count);
        }
      }),
    );
  });
});
