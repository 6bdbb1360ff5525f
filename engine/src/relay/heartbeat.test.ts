import { type EngineMessage, message, parseTimestamp } from '@penstock/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { initialProgress } from '../reduce/progress.ts';
import { initialSyncState } from '../reduce/sync-state.ts';
import { Heartbeat } from './heartbeat.ts';
import { Listener } from './listener.ts';

const BEGIN = Date.UTC(2026, 0, 31, 12);
const progress = initialProgress(['a'], BEGIN);
const said = message.progress(progress);

const open: Heartbeat[] = [];
afterEach(() => {
  for (const heartbeat of open.splice(0)) heartbeat.close();
});

/** A heartbeat with a clock of the test's own. */
function start(answer: () => Promise<void> | undefined = () => undefined) {
  let now = BEGIN;
  const given: EngineMessage[] = [];
  const listener = new Listener((each) => {
    given.push(each);
    return answer();
  });
  const heartbeat = new Heartbeat(listener, () => now);
  open.push(heartbeat);
  const lookAfter = (ms: number) => {
    now += ms;
    heartbeat.look();
    return given.length;
  };
  return { heartbeat, given, lookAfter };
}

describe('a heartbeat', () => {
  it('repeats the progress with the time that has passed when nothing was said of it for five seconds', () => {
    const { heartbeat, given, lookAfter } = start();
    heartbeat.say(said);
    expect(lookAfter(4_999)).toBe(1);
    expect(lookAfter(1)).toBe(2);
    expect(given[1]).toMatchObject({ type: 'progress', progress: { elapsed_ms: 5_000, streams: progress.streams } });
    expect(parseTimestamp(given[1]!._ts!)).toBe(BEGIN + 5_000);
    expect([lookAfter(4_999), lookAfter(1)]).toEqual([2, 3]);
  });

  it('waits anew after progress that has changed', () => {
    const { heartbeat, lookAfter } = start();
    heartbeat.say(said);
    lookAfter(4_000);
    heartbeat.say(said);
    expect([lookAfter(4_000), lookAfter(1_000)]).toEqual([2, 3]);
  });

  it('says nothing before the first progress and after the end', () => {
    const { heartbeat, lookAfter } = start();
    expect(lookAfter(9_000)).toBe(0);
    heartbeat.say(said);
    const ending_state = initialSyncState({ now: BEGIN, catalog: { streams: [] } });
    const eof = { status: 'succeeded', has_more: false, ending_state } as const;
    heartbeat.say(message.eof({ ...eof, run_progress: progress, request_progress: progress }));
    expect(lookAfter(9_000)).toBe(2);
  });

  it('does not pile up for a listener that stalls', () => {
    const { heartbeat, lookAfter } = start(() => new Promise(() => undefined));
    heartbeat.say(said);
    expect([lookAfter(9_000), lookAfter(9_000)]).toEqual([1, 1]);
  });

  it('comes early, not hours late, after a clock that is set back', () => {
    const { heartbeat, given, lookAfter } = start();
    heartbeat.say(said);
    expect(lookAfter(-3_600_000)).toBe(2);
    expect(given[1]).toMatchObject({ progress: { elapsed_ms: 0 } });
  });
});
