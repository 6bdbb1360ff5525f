import type { EofPayload, ProgressPayload } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { nextCall } from './next-call.ts';
import { initialProgress, initialStreamProgress } from './progress.ts';
import { initialSyncState } from './sync-state.ts';

type Stream = ProgressPayload['streams'][string];

function progressOf(stream: Partial<Stream>, connection?: 'config' | 'transient'): ProgressPayload {
  const progress = { ...initialProgress([], 0), streams: { a: { ...initialStreamProgress(), ...stream } } };
  if (connection === undefined) return progress;
  return { ...progress, connection_status: { status: 'failed', message: 'no', failure_type: connection } };
}

function eofOf(reason: NonNullable<EofPayload['reason']>, run_progress: ProgressPayload, has_more = false): EofPayload {
  const ending_state = initialSyncState({ now: 0, catalog: { streams: [] } });
  return { status: 'started', reason, has_more, ending_state, run_progress, request_progress: run_progress };
}

const started = progressOf({ status: 'started', record_count: 5 });

describe('what comes after a call', () => {
  it.each([
    ['nothing when all is complete', eofOf('complete', progressOf({ status: 'completed' })), true, undefined],
    ['nothing after a skip', eofOf('complete', progressOf({ status: 'skipped' })), true, undefined],
    ['another one at once when the source has more', eofOf('aborted', started, true), true, 0],
    ['nothing after the time limit', eofOf('time_limit', started, true), true, undefined],
    ['nothing after the record limit', eofOf('record_limit', started, true), true, undefined],
    [
      'another one after a pause when a stream failed for now',
      eofOf('error', progressOf({ status: 'errored', failure_type: 'transient' })),
      true,
      1000,
    ],
    [
      'another one after a pause when a stream failed by a defect',
      eofOf('error', progressOf({ status: 'errored', failure_type: 'system' })),
      true,
      1000,
    ],
    [
      'nothing when only a person can help a stream',
      eofOf('error', progressOf({ status: 'errored', failure_type: 'config' })),
      true,
      undefined,
    ],
    [
      'another one after a pause when the call failed for now',
      eofOf('error', progressOf({ status: 'started' }, 'transient')),
      true,
      1000,
    ],
    [
      'another one when it failed before it knew its streams',
      eofOf('error', { ...progressOf({}, 'transient'), streams: {} }),
      true,
      1000,
    ],
    [
      'nothing when credentials are refused, though streams are left',
      eofOf('error', progressOf({ status: 'started' }, 'config'), true),
      false,
      undefined,
    ],
  ])('is %s', (_title, eof, isWorthRetry, delayMs) => {
    const next = nextCall({ eof, isWorthRetry, hasBegun: true, before: undefined, fruitless: 0 });
    expect(next.kind === 'again' ? next.delayMs : undefined).toBe(delayMs);
  });

  it('is nothing after five calls in a row that brought nothing, with pauses that double', () => {
    const eof = eofOf('error', progressOf({ status: 'started' }, 'transient'));
    const pauses: number[] = [];
    let fruitless = 0;
    let before: ProgressPayload | undefined;
    for (;;) {
      const next = nextCall({ eof, isWorthRetry: true, hasBegun: true, before, fruitless });
      if (next.kind === 'over') break;
      pauses.push(next.delayMs);
      ({ fruitless } = next);
      before = eof.run_progress;
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000]);
  });

  it('is another one that brought nothing when the call before could not even begin', () => {
    const eof = eofOf('error', { ...progressOf({}, 'transient'), streams: {} });
    const next = nextCall({ eof, isWorthRetry: true, hasBegun: false, before: started, fruitless: 2 });
    expect(next).toEqual({ kind: 'again', delayMs: 4000, fruitless: 3 });
    expect(nextCall({ eof, isWorthRetry: true, hasBegun: false, before: started, fruitless: 4 }).kind).toBe('over');
  });

  it('is a first try again when the call before brought something', () => {
    const eof = eofOf('error', progressOf({ status: 'started', record_count: 6 }, 'transient'));
    expect(nextCall({ eof, isWorthRetry: true, hasBegun: true, before: started, fruitless: 4 })).toEqual({
      kind: 'again',
      delayMs: 1000,
      fruitless: 0,
    });
  });
});
