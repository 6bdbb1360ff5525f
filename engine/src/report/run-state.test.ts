import { type EngineMessage, type LogPayload, message, type StreamStatusPayload } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { said, status } from '../reduce/testing.ts';
import { runState } from './run-state.ts';
import { emptyRunView, reduceRunView } from './run-view.ts';

const progressAfter = (...payloads: StreamStatusPayload[]): EngineMessage =>
  message.progress(payloads.map((each) => status(each)).reduce(reduceProgress, initialProgress(['a'], 0)));
const log = (
  data: LogPayload['data'],
  by = 'destination/postgres',
  level: LogPayload['level'] = 'warn',
): EngineMessage => ({
  ...message.log({ level, message: 'x', ...(data === undefined ? {} : { data }) }),
  _emitted_by: by,
});
const start = { stream: 'a', status: 'start' } as const;
const refused = message.progress(
  reduceProgress(initialProgress(['a'], 0), said(message.connectionStatus({ status: 'failed', message: 'no' }))),
);

it.each([
  ['before the first message', [], false, 'starting'],
  ['before a stream has started', [progressAfter()], false, 'preparing'],
  ['while a stream is read', [progressAfter(start)], true, 'reading'],
  [
    'when all streams have ended',
    [progressAfter({ stream: 'a', status: 'complete' })],
    false,
    'ending: state is saved',
  ],
  ['when it was told to stop', [log({ stopping: 'aborted' }, 'engine')], true, 'stopping: the destination finishes'],
  [
    'when it was told to stop and something is tried again',
    [log({ stopping: 'aborted' }, 'engine'), log({ retry_in_ms: 3000 })],
    false,
    'stopping: destination/postgres: tried again in 3 s',
  ],
  ['when the connection failed', [refused], false, 'failed: both sides end'],
  [
    'when nothing moves until something is tried again',
    [progressAfter(start), log({ retry_in_ms: 3000 })],
    false,
    'waiting for destination/postgres: tried again in 3 s',
  ],
  [
    'when something is tried again while others move',
    [progressAfter(start), log({ retry_in_ms: 3000 })],
    true,
    'destination/postgres: tried again in 3 s',
  ],
  [
    'when it is tried again before anybody can read that',
    [progressAfter(start), log({ retry_in_ms: 200 })],
    false,
    'reading',
  ],
  [
    'when something is tried again of which only a debug log speaks',
    [progressAfter(start), log({ retry_in_ms: 3000 }, 'source/stripe', 'debug')],
    false,
    'reading',
  ],
  [
    'when a connector says that something is stopping, which is not the run',
    [progressAfter(start), log({ stopping: true })],
    true,
    'reading',
  ],
  ['when a log has data of another kind', [progressAfter(start), log({ retry_in_ms: 'soon' })], true, 'reading'],
] as const)('%s', (_case, messages, isMoving, text) => {
  const view = messages.reduce((at, each) => reduceRunView(at, each, 1000), emptyRunView);
  expect(runState(view, isMoving, 1000).text).toBe(text);
});

it('the wait counts down and ends', () => {
  const view = [progressAfter(start), log({ retry_in_ms: 3000 })].reduce(
    (at, each) => reduceRunView(at, each, 1000),
    emptyRunView,
  );
  expect(runState(view, false, 2500).text).toBe('waiting for destination/postgres: tried again in 2 s');
  expect(runState(view, false, 4001).text).toBe('reading');
});
