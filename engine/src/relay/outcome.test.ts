import { CodedError, ExitCode, type ProgressPayload, type StreamProgress } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import type { ConnectorEnd } from '../launch/connector-end.ts';
import type { RunningConnector } from '../launch/launcher.ts';
import { initialProgress } from '../reduce/progress.ts';
import { describeLost, eofReason, exitCodeOfRun, judgeEnding } from './outcome.ts';
import type { RelayEnd } from './relay.ts';

const connector = (name: string): RunningConnector =>
  ({ name, stderrTail: () => 'first line\nlast words\n' }) as unknown as RunningConnector;
const exited = (code: number): ConnectorEnd => ({ kind: 'exited', code });
const closed: ConnectorEnd = { kind: 'closed' };
const killed: ConnectorEnd = { kind: 'killed', signal: 'SIGKILL' };

function progress(streams: Record<string, Partial<StreamProgress>>): ProgressPayload {
  const initial = initialProgress(Object.keys(streams), 0);
  const merged = Object.entries(streams).map(([name, stream]) => [name, { ...initial.streams[name]!, ...stream }]);
  return { ...initial, streams: Object.fromEntries(merged) };
}
const done = progress({ a: { status: 'completed' } });
const halfway = progress({ a: { status: 'completed' }, b: { status: 'started' } });
const failed = progress({ a: { status: 'errored', failure_type: 'transient' } });

function judge(end: Partial<RelayEnd>, at: ProgressPayload) {
  const whole: RelayEnd = {
    error: undefined,
    sourceCutOff: false,
    killed: false,
    sourceEnd: exited(0),
    destinationEnd: exited(0),
    ...end,
  };
  const { error, hasMore, lost } = judgeEnding(
    whole,
    connector('source/x'),
    connector('destination/y'),
    at,
    Object.keys(at.streams),
  );
  return { error: error?.message, code: error?.code, hasMore, lost };
}

const violated = new CodedError('protocol_violated', { message: 'rubbish' });
const fine = { error: undefined, code: undefined, hasMore: false, lost: [] };

describe('the end of a run', () => {
  it.each<[string, Partial<RelayEnd>, ProgressPayload, object]>([
    ['is good when both end well and every stream has ended', {}, done, fine],
    ['loses the streams that nobody spoke of any more', {}, halfway, { ...fine, lost: ['b'] }],
    [
      'is early when the source was stopped',
      { sourceCutOff: true, sourceEnd: exited(10) },
      halfway,
      { ...fine, hasMore: true },
    ],
    [
      'is early however the source took being stopped',
      { sourceCutOff: true, sourceEnd: killed },
      halfway,
      { ...fine, hasMore: true },
    ],
    [
      'is not early when the stop came after all streams had ended',
      { sourceCutOff: true, sourceEnd: exited(10) },
      done,
      fine,
    ],
    ['is early when somebody else stopped the source', { sourceEnd: exited(10) }, halfway, { ...fine, hasMore: true }],
    [
      'is early when both were killed',
      { killed: true, sourceCutOff: true, sourceEnd: killed, destinationEnd: killed },
      halfway,
      { ...fine, hasMore: true },
    ],
    [
      'is good when exit codes only repeat that a stream failed',
      { sourceEnd: exited(30), destinationEnd: exited(30) },
      failed,
      fine,
    ],
    [
      'is bad when a connector fails without a failed stream',
      { sourceEnd: exited(30) },
      done,
      { code: 'connector_failed' },
    ],
    [
      'is bad when the source crashed',
      { sourceEnd: exited(3) },
      halfway,
      { code: 'connector_failed', hasMore: false, lost: [] },
    ],
    ['is bad when the source was killed', { sourceEnd: killed }, halfway, { code: 'connector_failed' }],
    ['is bad when the destination was killed', { destinationEnd: killed }, done, { code: 'connector_failed' }],
    [
      'is good when nothing is known of both but that they said all there was to say',
      { sourceEnd: closed, destinationEnd: closed },
      done,
      fine,
    ],
    [
      'is good when of both is known only that they are over, and a stream failed',
      { sourceEnd: closed, destinationEnd: closed },
      failed,
      fine,
    ],
    [
      'is early when the source was asked to stop and closed its output',
      { sourceCutOff: true, sourceEnd: closed, destinationEnd: closed },
      halfway,
      { ...fine, hasMore: true },
    ],
    [
      'is bad when a destination closed its output with streams still open',
      { sourceEnd: closed, destinationEnd: closed },
      halfway,
      { code: 'connector_failed', lost: [] },
    ],
    [
      'is the first error, whatever followed from it',
      { error: violated, sourceCutOff: true, sourceEnd: killed },
      halfway,
      { code: 'protocol_violated', hasMore: true, lost: [] },
    ],
  ])('%s', (_title, end, at, expected) => {
    expect(judge(end, at)).toMatchObject(expected);
  });

  it('says which connector it was, how it ended, and its last words', () => {
    expect(judge({ destinationEnd: exited(7) }, done).error).toBe(
      'destination/y ended with exit code 7. Its last words: first line | last words',
    );
  });
});

describe('what is said of a lost stream', () => {
  const nobody = 'Neither source/x nor destination/y said how this stream ended.';
  const described = (stderr: string): string =>
    describeLost({ ...connector('source/x'), stderrTail: () => stderr }, connector('destination/y'));

  it('is who did not speak of it, and the last words of the source', () => {
    expect(described('')).toBe(nobody);
    expect(described('no page 7\n giving up\n')).toBe(`${nobody} The last words of source/x: no page 7 |  giving up`);
  });

  it('stays short and whole characters, whatever the source wrote', () => {
    const text = described(`${'😀'.repeat(5_000)}!`);
    expect(text.length).toBeLessThan(2_100);
    expect(text.isWellFormed()).toBe(true);
    expect(text).toMatch(/😀!$/u);
  });
});

describe('the exit code of a run', () => {
  it.each([
    [undefined, false, done, ExitCode.done],
    [undefined, false, progress({ a: { status: 'skipped' } }), ExitCode.done],
    [undefined, true, failed, ExitCode.stopped],
    [undefined, false, failed, ExitCode.retry],
    [undefined, false, progress({ a: { status: 'errored' } }), ExitCode.retry],
    [undefined, false, progress({ a: { status: 'errored', failure_type: 'config' } }), ExitCode.config],
    [violated, true, done, ExitCode.protocol],
    [new CodedError('state_store_unreachable', { message: 'x' }), false, done, ExitCode.stateStore],
  ])('of %s, has_more %s is in the table', (error, hasMore, at, expected) => {
    expect(exitCodeOfRun(error, hasMore, at)).toBe(expected);
  });

  it('goes with a reason', () => {
    expect(eofReason(undefined, false, undefined, 'succeeded')).toBe('complete');
    expect(eofReason(undefined, true, 'time_limit', 'started')).toBe('time_limit');
    expect(eofReason(undefined, false, 'time_limit', 'succeeded')).toBe('complete');
    expect(eofReason(undefined, false, undefined, 'failed')).toBe('error');
    expect(eofReason(violated, true, 'aborted', 'failed')).toBe('error');
  });
});
