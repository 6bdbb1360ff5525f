import { message, type ProgressPayload, type StreamProgress } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { initialProgress } from '../reduce/progress.ts';
import { emptyRunView, type RunView, reduceRunView } from './run-view.ts';
import { formatTimeLeft, timeLeftMs } from './time-left.ts';

const iso = (hour: number) => new Date(Date.UTC(2026, 0, 1) + hour * 3_600_000).toISOString();
const total_range = { gte: iso(0), lt: iso(1000) };

/** A stream of which so many of 1000 hours are complete, newest first. */
const at = (hours: number, record_count: number, changes: Partial<StreamProgress> = {}): StreamProgress => ({
  status: 'started',
  record_count,
  state_count: 0,
  total_range,
  completed_ranges: hours === 0 ? [] : [{ gte: iso(1000 - hours), lt: iso(1000) }],
  ...changes,
});

/** What is known after 20 seconds, with each second's streams from a function. */
function after20s(streamsAt: (second: number) => Record<string, StreamProgress>): RunView {
  let view = emptyRunView;
  for (let second = 0; second <= 20; second++) {
    const progress: ProgressPayload = { ...initialProgress([], 0), streams: streamsAt(second) };
    view = reduceRunView(view, message.progress(progress), second * 1000);
  }
  return view;
}

describe('the time that is left', () => {
  it('is that of the rest at the pace of late', () => {
    const view = after20s((second) => ({ a: at(100 + 10 * second, 50 * second) }));
    expect(timeLeftMs(view)! / 1000).toBeCloseTo(70);
  });

  it('adds up what streams that share one pace have left, by records', () => {
    // 10 records/s each; the first has 700 hours left of one record each, the second 350 of two.
    const view = after20s((second) => ({
      a: at(100 + 10 * second, 10 * second),
      b: at(550 + 5 * second, 10 * second),
      done: at(1000, 5, { status: 'completed' }),
      waits: at(1000, 5),
      readWhole: at(0, 7),
    }));
    expect(timeLeftMs(view)! / 1000).toBeCloseTo((700 + 700) / 20);
  });

  it('is not said while it would be a guess', () => {
    const good = (second: number) => at(100 + 10 * second, 50 * second);
    const others: Record<string, (second: number) => StreamProgress> = {
      'a stream has not started': () => ({ status: 'not_started', record_count: 0, state_count: 0 }),
      'a stream that moves has no range': (second) => ({ status: 'started', record_count: second, state_count: 0 }),
      'hardly anything of a range is complete': (second) => at(second, second),
      'a range does not move though records come': (second) => at(300, second),
    };
    for (const [why, other] of Object.entries(others)) {
      expect(timeLeftMs(after20s((second) => ({ a: good(second), b: other(second) }))), why).toBeUndefined();
    }
    expect(timeLeftMs(after20s((second) => ({ a: at(1000, second) }))), 'nothing is left').toBeUndefined();
    expect(timeLeftMs(emptyRunView), 'nothing is known').toBeUndefined();
    expect(timeLeftMs({ ...after20s((s) => ({ a: good(s) })), isStopping: true }), 'it stops').toBeUndefined();
  });
});

it.each([
  [1, 'under a minute'],
  [60_001, '2 min'],
  [59 * 60_000, '59 min'],
  [61 * 60_000, '1 h 10 min'],
  [120 * 60_000, '2 h'],
])('%d ms are %s', (ms, text) => expect(formatTimeLeft(ms)).toBe(text));
