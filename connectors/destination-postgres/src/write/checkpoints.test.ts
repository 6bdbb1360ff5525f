import { message } from '@penstock/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outline } from '../testing/write-items.ts';
import { Checkpoints } from './checkpoints.ts';

const checkpoint = (stream: string, data: number) => message.sourceState({ state_type: 'stream', stream, data });
const globalCheckpoint = (data: number) => message.sourceState({ state_type: 'global', data: { at: data } });

describe('checkpoints', () => {
  it('leave at once when nothing of their stream is open', () => {
    const checkpoints = new Checkpoints();
    checkpoints.opened('a');
    expect(outline(checkpoints.arrived(checkpoint('b', 1)))).toEqual(['b:1']);
  });

  it('wait for the batch that began before them, not for one that began after', () => {
    const checkpoints = new Checkpoints();
    const first = checkpoints.opened('a');
    expect(checkpoints.arrived(checkpoint('a', 1))).toEqual([]);
    const second = checkpoints.opened('a');
    expect(checkpoints.arrived(checkpoint('a', 2))).toEqual([]);
    expect(outline(checkpoints.committed('a', first))).toEqual(['a:1']);
    expect(outline(checkpoints.committed('a', second))).toEqual(['a:2']);
  });

  it('wait for an earlier batch that is committed after a later one', () => {
    const checkpoints = new Checkpoints();
    const first = checkpoints.opened('a');
    checkpoints.arrived(checkpoint('a', 1));
    const second = checkpoints.opened('a');
    checkpoints.arrived(checkpoint('a', 2));
    expect(checkpoints.committed('a', second)).toEqual([]);
    expect(outline(checkpoints.committed('a', first))).toEqual(['a:1', 'a:2']);
  });

  it('that are global wait for every stream', () => {
    const checkpoints = new Checkpoints();
    const a = checkpoints.opened('a');
    const b = checkpoints.opened('b');
    expect(checkpoints.arrived(globalCheckpoint(1))).toEqual([]);
    expect(outline(checkpoints.arrived(checkpoint('a', 1)))).toEqual([]);
    expect(outline(checkpoints.committed('b', b))).toEqual([]);
    expect(outline(checkpoints.committed('a', a))).toEqual(['a:1', 'global:1']);
  });

  it('of a failed stream are swallowed, and global ones held back from then on', () => {
    const checkpoints = new Checkpoints();
    checkpoints.opened('a');
    checkpoints.arrived(checkpoint('a', 1));
    checkpoints.arrived(globalCheckpoint(1));
    expect(checkpoints.failed('a')).toBe(true);
    expect(checkpoints.failed('a')).toBe(false);
    expect(checkpoints.arrived(checkpoint('a', 2))).toEqual([]);
    expect(checkpoints.arrived(globalCheckpoint(2))).toEqual([]);
    expect(outline(checkpoints.arrived(checkpoint('b', 1)))).toEqual(['b:1']);
    expect(checkpoints.waitingCount).toBe(0);
  });

  it('leave exactly once, in order, and never before what they cover is committed, whatever happens in which order', () => {
    const streams = ['a', 'b', 'c'];
    const step = fc.oneof(
      fc.record({ do: fc.constantFrom('open', 'commit', 'checkpoint'), stream: fc.constantFrom(...streams) }),
      fc.constant({ do: 'global', stream: '' }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const checkpoints = new Checkpoints();
        // The model: everything in the order of arrival, batches marked when they are committed.
        const events: { kind: string; stream: string; word: string; done: boolean; position?: number }[] = [];
        const out: string[] = [];
        const mayLeave = (index: number) => {
          const { kind, stream } = events[index]!;
          const before = events.slice(0, index).filter((event) => kind === 'global' || event.stream === stream);
          return before.every((event) => event.done || (kind !== 'global' && event.kind === 'global'));
        };
        const take = (messages: Parameters<typeof outline>[0]) => {
          for (const word of outline(messages)) {
            const index = events.findIndex((event) => event.word === word);
            expect(mayLeave(index)).toBe(true);
            events[index]!.done = true;
            out.push(word);
          }
        };
        const commitOne = (stream: string, number: number) => {
          const open = events.filter((event) => event.kind === 'batch' && event.stream === stream && !event.done);
          const batch = open[number % open.length];
          if (!batch) return;
          batch.done = true;
          take(checkpoints.committed(stream, batch.position!));
        };
        steps.forEach(({ do: action, stream }, number) => {
          if (action === 'open') {
            const position = checkpoints.opened(stream);
            events.push({ kind: 'batch', stream, word: '', done: false, position });
          } else if (action === 'commit') commitOne(stream, number);
          else {
            const isGlobal = action === 'global';
            events.push({ kind: action, stream, word: `${isGlobal ? 'global' : stream}:${number}`, done: false });
            take(checkpoints.arrived(isGlobal ? globalCheckpoint(number) : checkpoint(stream, number)));
          }
        });
        for (const stream of streams)
          while (events.some((event) => event.kind === 'batch' && event.stream === stream && !event.done))
            commitOne(stream, 0);
        expect(events.every((event) => event.done)).toBe(true);
        expect(new Set(out).size).toBe(out.length);
        expect(checkpoints.waitingCount).toBe(0);
      }),
    );
  });

  describe('of a stream that is held', () => {
    const status = (value: 'start' | 'complete') => message.streamStatus({ stream: 'a', status: value });
    const skip = message.streamStatus({ stream: 'a', status: 'skip', reason: 'no access' });
    const held = () => {
      const checkpoints = new Checkpoints();
      checkpoints.hold('a');
      return checkpoints;
    };

    it('leave when it is freed, in their order, and global ones behind them then too', () => {
      const checkpoints = held();
      expect(outline(checkpoints.arrived(status('start')))).toEqual(['a:start']);
      expect(outline(checkpoints.arrived(globalCheckpoint(0)))).toEqual(['global:0']);
      const batch = checkpoints.opened('a');
      expect(checkpoints.arrived(globalCheckpoint(1))).toEqual([]);
      expect(checkpoints.arrived(checkpoint('a', 1))).toEqual([]);
      expect(checkpoints.committed('a', batch)).toEqual([]);
      expect(outline(checkpoints.arrived(checkpoint('b', 1)))).toEqual(['b:1']);
      const takeOver = checkpoints.opened('a');
      checkpoints.arrived(status('complete'));
      expect(checkpoints.waitingCount).toBe(0);
      checkpoints.free('a');
      expect(outline(checkpoints.committed('a', takeOver))).toEqual(['a:1', 'a:complete', 'global:1']);
    });

    it('do not leave before it is freed when they come before any record', () => {
      const checkpoints = held();
      expect(checkpoints.arrived(checkpoint('a', 1))).toEqual([]);
      const batch = checkpoints.opened('a');
      checkpoints.free('a');
      expect(outline(checkpoints.committed('a', batch))).toEqual(['a:1']);
    });

    it('never leave when it ends otherwise, which is said at once', () => {
      const checkpoints = held();
      checkpoints.arrived(checkpoint('a', 1));
      checkpoints.arrived(globalCheckpoint(1));
      expect(outline(checkpoints.arrived(skip))).toEqual(['a:skip']);
      expect(checkpoints.arrived(checkpoint('a', 2))).toEqual([]);
      expect(checkpoints.arrived(globalCheckpoint(2))).toEqual([]);
      expect(outline(checkpoints.arrived(checkpoint('b', 1)))).toEqual(['b:1']);
    });

    it('are kept without complete ranges when they are many: those are part of what is complete', () => {
      const checkpoints = held();
      checkpoints.arrived(checkpoint('a', 0));
      for (let at = 0; at < 5000; at++) {
        const range_complete = { gte: `${2000 + at}-01-01T00:00:00Z`, lt: `${2001 + at}-01-01T00:00:00Z` };
        checkpoints.arrived(message.streamStatus({ stream: 'a', status: 'range_complete', range_complete }));
      }
      checkpoints.arrived(status('complete'));
      checkpoints.free('a');
      const left = checkpoints.committed('a', checkpoints.opened('a'));
      expect(left).toHaveLength(1001);
      expect(left.at(-1)).toEqual(status('complete'));
    });

    it('become one when they are many, which stands for the records of all', () => {
      const checkpoints = held();
      for (let data = 1; data <= 5000; data++) {
        checkpoints.arrived(message.sourceState({ state_type: 'stream', stream: 'a', data, record_count: 2 }));
        const streams = { [`s${data % 3}`]: data };
        checkpoints.arrived(message.sourceState({ state_type: 'global', data: { at: data }, streams }));
      }
      checkpoints.free('a');
      const takeOver = checkpoints.opened('a');
      const left = checkpoints
        .committed('a', takeOver)
        .flatMap((item) => (item.type === 'source_state' ? [item.source_state] : []));
      expect(left).toHaveLength(2000);
      const ofStream = left.filter(({ state_type }) => state_type === 'stream');
      expect(ofStream.at(-1)).toMatchObject({ data: 5000 });
      expect(ofStream.reduce((sum, { record_count = 0 }) => sum + record_count, 0)).toBe(10_000);
      expect(left.at(-1)).toEqual({
        state_type: 'global',
        data: { at: 5000 },
        streams: { s0: 4998, s1: 4999, s2: 5000 },
      });
    });
  });
});
