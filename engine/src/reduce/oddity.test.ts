import { message, type StreamStatusPayload } from '@penstock/protocol';
import { expect, it } from 'vitest';
import type { EngineEvent } from './event.ts';
import { oddityOf } from './oddity.ts';
import { initialProgress, reduceProgress } from './progress.ts';
import { said, status } from './testing.ts';

const state = said(message.sourceState({ state_type: 'stream', stream: 'a', data: {} }));
const start = status({ stream: 'a', status: 'start' });
const complete = status({ stream: 'a', status: 'complete' });
const error = status({ stream: 'a', status: 'error', error: 'e' });
const relayed: EngineEvent = { type: 'records_relayed', at: 0, stream: 'a', count: 1 };
const elsewhere = (payload: StreamStatusPayload['status']) =>
  status({ stream: 'b', status: payload } as StreamStatusPayload);

it.each([
  ['a checkpoint before the start', [], state, 'state before the stream was started'],
  ['a checkpoint after the end', [start, complete], state, 'state after the stream was completed'],
  ['a second start', [start], start, 'second start'],
  ['a start after the end', [start, error], start, 'start after the stream was errored'],
  ['a second end', [start, complete], complete, 'complete after the stream was completed'],
  ['a second failure', [start, error], error, 'error after the stream was errored'],
  ['a completion without a start', [], complete, 'complete before the stream was started'],
  ['a status of an unknown stream', [], elsewhere('start'), 'start for a stream that is not in the catalog'],
  ['records of an unknown stream', [], { ...relayed, stream: 'b' }, 'record for a stream that is not in the catalog'],
] as const)('%s is odd', (_case, before, event, text) => {
  const progress = [...before].reduce(reduceProgress, initialProgress(['a'], 0));
  expect(oddityOf(progress, event)).toMatchObject({ level: 'debug', message: text });
});

it.each([
  [complete, 'error after the stream was completed, which it stays: e'],
  [status({ stream: 'a', status: 'skip', reason: 'r' }), 'error after the stream was skipped, which it stays: e'],
])('a failure after another end is a warning that says why it failed', (end, text) => {
  const progress = [start, end].reduce(reduceProgress, initialProgress(['a'], 0));
  expect(oddityOf(progress, error)).toEqual({ level: 'warn', stream: 'a', message: text });
});

it.each([
  ['a stream that goes as it should', [start], state],
  ['an error before the start', [], error],
  ['records that run ahead of the start, or come in after the end', [start, complete], relayed],
  ['a global checkpoint', [], said(message.sourceState({ state_type: 'global', data: {} }))],
  ['a tick', [], { type: 'tick', at: 0 }],
] as const)('%s is not odd', (_case, before, event) => {
  const progress = [...before].reduce(reduceProgress, initialProgress(['a'], 0));
  expect(oddityOf(progress, event)).toBeUndefined();
});
