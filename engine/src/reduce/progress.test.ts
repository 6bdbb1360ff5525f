import { message, type ProgressPayload, type StreamProgress, type StreamStatusPayload } from '@penstock/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from './event.ts';
import { initialProgress, type ProgressStatus, reduceProgress } from './progress.ts';
import { deepFreeze, said, status } from './testing.ts';

const range = { gte: '2026-01-01T00:00:00Z', lt: '2026-01-02T00:00:00Z' };
const stream = 'a';

const payloads = {
  start: { stream, status: 'start', time_range: range },
  running: { stream, status: 'running' },
  range_complete: { stream, status: 'range_complete', range_complete: range },
  complete: { stream, status: 'complete' },
  skip: { stream, status: 'skip', reason: 'not enabled' },
  error: { stream, status: 'error', error: 'broken', failure_type: 'system' },
} satisfies Record<StreamStatusPayload['status'], StreamStatusPayload>;

const table: Record<ProgressStatus, Record<StreamStatusPayload['status'], ProgressStatus>> = {
  not_started: {
    start: 'started',
    running: 'not_started',
    range_complete: 'not_started',
    complete: 'completed',
    skip: 'skipped',
    error: 'errored',
  },
  started: {
    start: 'started',
    running: 'started',
    range_complete: 'started',
    complete: 'completed',
    skip: 'skipped',
    error: 'errored',
  },
  completed: {
    start: 'completed',
    running: 'completed',
    range_complete: 'completed',
    complete: 'completed',
    skip: 'completed',
    error: 'completed',
  },
  skipped: {
    start: 'skipped',
    running: 'skipped',
    range_complete: 'skipped',
    complete: 'skipped',
    skip: 'skipped',
    error: 'skipped',
  },
  errored: {
    start: 'errored',
    running: 'errored',
    range_complete: 'errored',
    complete: 'errored',
    skip: 'errored',
    error: 'errored',
  },
};

/** Progress of one stream that is in a status. */
function inStatus(name: ProgressStatus): ProgressPayload {
  const before = initialProgress([stream], 0);
  const way: Record<ProgressStatus, StreamStatusPayload[]> = {
    not_started: [],
    started: [payloads.start],
    completed: [payloads.complete],
    skipped: [payloads.skip],
    errored: [payloads.error],
  };
  return deepFreeze(way[name].reduce((progress, payload) => reduceProgress(progress, status(payload)), before));
}

describe('every status meets every stream status', () => {
  for (const [from, row] of Object.entries(table)) {
    for (const [event, to] of Object.entries(row)) {
      it(`a stream that is ${from} is ${to} after ${event}`, () => {
        const before = inStatus(from as ProgressStatus);
        const after = reduceProgress(before, status(payloads[event as keyof typeof payloads]));
        expect(after.streams[stream]?.status).toBe(to);
        if (from === to && event !== 'range_complete') expect(after).toBe(before);
      });
    }
  }
});

function reduceAll(progress: ProgressPayload, events: readonly EngineEvent[]): ProgressPayload {
  return events.reduce((at, event) => deepFreeze(reduceProgress(at, deepFreeze(event))), deepFreeze(progress));
}

const result = (name: string, created: number, updated = 0, deleted = 0, skipped = 0) =>
  said(message.writeResult({ stream: name, created, updated, deleted, skipped }));
const checkpoint = (name: string, record_count?: number) =>
  said(
    message.sourceState({
      state_type: 'stream',
      stream: name,
      data: {},
      ...(record_count === undefined ? {} : { record_count }),
    }),
  );

describe('what is counted', () => {
  it('is the rows of write results, whatever the checkpoints say', () => {
    const after = reduceAll(initialProgress(['a'], 0), [result('a', 5, 3, 1, 2), checkpoint('a', 11)]);
    expect(after.streams.a).toMatchObject({
      record_count: 11,
      created_count: 5,
      updated_count: 3,
      deleted_count: 1,
      skipped_count: 2,
      state_count: 1,
    });
  });

  it('is what the checkpoints say, where the destination sends no write results', () => {
    const after = reduceAll(initialProgress(['a', 'b'], 0), [checkpoint('a', 7), checkpoint('a', 3), checkpoint('b')]);
    expect(after.streams.a).toMatchObject({ record_count: 10, state_count: 2 });
    expect(after.streams.a).not.toHaveProperty('created_count');
    expect(after.streams.b).toMatchObject({ record_count: 0, state_count: 1 });
  });

  it('is never what was only relayed', () => {
    const before = initialProgress(['a'], 0);
    expect(reduceProgress(before, { type: 'records_relayed', at: 5, stream: 'a', count: 9 })).toBe(before);
  });

  it('is global checkpoints by themselves', () => {
    const global = said(message.sourceState({ state_type: 'global', data: {}, record_count: 4 }), 500);
    const after = reduceAll(initialProgress(['a'], 0), [global, global]);
    expect(after.global_state_count).toBe(2);
    expect(after.streams.a?.record_count).toBe(0);
    expect(after.derived.states_per_second).toBe(4);
  });
});

describe('the status of the run', () => {
  const run = (...statuses: ProgressStatus[]) => {
    const names = statuses.map((_, index) => `s${index}`);
    const events = statuses.flatMap((wanted, index): StreamStatusPayload[] => {
      const of = { stream: names[index]! };
      if (wanted === 'not_started') return [];
      if (wanted === 'started') return [{ ...of, status: 'start' }];
      if (wanted === 'completed') return [{ ...of, status: 'complete' }];
      if (wanted === 'skipped') return [{ ...of, status: 'skip', reason: '' }];
      return [{ ...of, status: 'error', error: '' }];
    });
    return reduceAll(
      initialProgress(names, 0),
      events.map((payload) => status(payload)),
    ).derived.status;
  };

  it('is started while any stream is active, even after another one failed', () => {
    expect(run('completed', 'started', 'errored')).toBe('started');
    expect(run('completed', 'not_started', 'errored')).toBe('started');
  });

  it('is failed when a stream failed and none is active any more', () => {
    expect(run('completed', 'skipped', 'errored')).toBe('failed');
  });

  it('is succeeded when all streams completed or were skipped, or there are none', () => {
    expect(run('completed', 'skipped')).toBe('succeeded');
    expect(run()).toBe('succeeded');
  });

  it('is failed as soon as the connection failed, for the first reason', () => {
    const failed = (text: string) => said(message.connectionStatus({ status: 'failed', message: text }));
    const ok = said(message.connectionStatus({ status: 'succeeded' }));
    const after = reduceAll(initialProgress(['a'], 0), [ok, failed('wrong key'), failed('echo'), ok]);
    expect(after.derived.status).toBe('failed');
    expect(after.connection_status?.message).toBe('wrong key');
  });
});

describe('time', () => {
  it('passes with each event that changes something and with each tick, and rates are 0 before it does', () => {
    const first = reduceProgress(initialProgress(['a'], 1000), result2('a', 50, 1000));
    expect(first).toMatchObject({ elapsed_ms: 0, derived: { records_per_second: 0, states_per_second: 0 } });
    const later = reduceProgress(first, { type: 'tick', at: 3000 });
    expect(later).toMatchObject({ elapsed_ms: 2000, derived: { records_per_second: 25 } });
  });

  it('does not run backwards when the clock does', () => {
    const later = reduceProgress(initialProgress(['a'], 1000), { type: 'tick', at: 3000 });
    expect(reduceProgress(later, { type: 'tick', at: 0 }).elapsed_ms).toBe(2000);
  });

  function result2(name: string, created: number, at: number): EngineEvent {
    return said(message.writeResult({ stream: name, created, updated: 0, deleted: 0, skipped: 0 }), at);
  }
});

describe('a stream that is not in the catalog', () => {
  it('appears when it is an error, since the run has failed then', () => {
    const after = reduceAll(initialProgress([], 0), [status({ ...payloads.error, stream: 'ghost' })]);
    expect(after.streams.ghost).toMatchObject({ status: 'errored', message: 'broken' });
    expect(after.derived.status).toBe('failed');
  });

  it.each(['toString', 'ghost'])('changes nothing otherwise, also when its name is %s', (name) => {
    const before = initialProgress(['a'], 0);
    const events = [result(name, 1), checkpoint(name, 1), status({ stream: name, status: 'complete' })];
    expect(reduceAll(before, events)).toBe(before);
  });
});

const names = ['a', 'b', 'c'];
const day = fc.integer({ min: 1, max: 28 });
const isoDay = (value: number) => `2026-01-${String(value).padStart(2, '0')}T00:00:00Z`;
const anyRange = fc.tuple(day, day).map(([x, y]) => ({ gte: isoDay(Math.min(x, y)), lt: isoDay(Math.max(x, y)) }));
const anyStatus = (name: string): fc.Arbitrary<StreamStatusPayload> =>
  fc.oneof(
    fc.constant({ stream: name, status: 'start' } as const),
    anyRange.map((time_range) => ({ stream: name, status: 'start', time_range }) as const),
    fc.constant({ stream: name, status: 'running' } as const),
    anyRange.map((range_complete) => ({ stream: name, status: 'range_complete', range_complete }) as const),
    fc.constant({ stream: name, status: 'complete' } as const),
    fc.constant({ stream: name, status: 'skip', reason: 'r' } as const),
    fc.constant({ stream: name, status: 'error', error: 'e' } as const),
  );
const anyEvent = (name: string): fc.Arbitrary<EngineEvent> =>
  fc.oneof(
    anyStatus(name).map((payload) => status(payload)),
    fc.nat(9).map((count) => result(name, count, 1)),
    fc.nat(9).map((count) => checkpoint(name, count)),
  );
const perStream = fc.tuple(...names.map((name) => fc.array(anyEvent(name), { maxLength: 12 })));

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

describe('for all events', () => {
  it('the result does not depend on how streams are interleaved', () => {
    fc.assert(
      fc.property(perStream, fc.array(fc.nat(), { maxLength: 40 }), (lists, picks) => {
        const before = initialProgress(names, 0);
        expect(reduceAll(before, interleave(lists, picks))).toEqual(reduceAll(before, lists.flat()));
      }),
    );
  });

  it('saying a status twice is as good as saying it once', () => {
    fc.assert(
      fc.property(fc.array(anyStatus('a'), { maxLength: 12 }), (payloads) => {
        const once = payloads.map((payload) => status(payload));
        const before = initialProgress(names, 0);
        expect(
          reduceAll(
            before,
            once.flatMap((event) => [event, event]),
          ),
        ).toEqual(reduceAll(before, once));
      }),
    );
  });

  it('counts never fall and an ended stream stays as it ended', () => {
    fc.assert(
      fc.property(perStream, (lists) => {
        let before = initialProgress(names, 0);
        for (const event of lists.flat()) {
          const after = reduceProgress(before, event);
          for (const name of names) {
            const [was, is] = [before.streams[name] as StreamProgress, after.streams[name] as StreamProgress];
            expect(is.record_count).toBeGreaterThanOrEqual(was.record_count);
            expect(is.state_count).toBeGreaterThanOrEqual(was.state_count);
            if (['completed', 'skipped', 'errored'].includes(was.status)) expect(is.status).toBe(was.status);
          }
          before = after;
        }
      }),
    );
  });
});
