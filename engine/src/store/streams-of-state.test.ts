import { expect, it } from 'vitest';
import { inOrderOfNames, onlyStreams, streamsOf, withoutStreams, withStreamsOf } from './streams-of-state.ts';
import { exampleState } from './testing.ts';

const namesIn = (state: ReturnType<typeof exampleState>) => [
  Object.keys(state.source.streams),
  Object.keys(state.sync_run.progress.streams),
];

it('takes streams out of all parts of a state, and leaves what belongs to none', () => {
  const state = exampleState({ c: 3, a: 1, b: 2 });
  expect(streamsOf(state)).toEqual(['a', 'b', 'c']);
  expect(namesIn(withoutStreams(state, ['a', 'x']))).toEqual([
    ['b', 'c'],
    ['b', 'c'],
  ]);
  expect(namesIn(onlyStreams(state, ['a', 'x']))).toEqual([['a'], ['a']]);
  expect(withoutStreams(state, ['a']).source.global).toBe(state.source.global);
  expect(namesIn(inOrderOfNames(state))).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ]);
  expect(inOrderOfNames(state)).toEqual(state);
});

it('takes over streams as another state has them, gone where it does not have them', () => {
  const state = exampleState({ a: 1, b: 2 });
  const taken = withStreamsOf(state, exampleState({ a: 10, c: 30 }, 'other run'), ['a', 'b']);
  expect(taken.source.streams).toEqual({ a: 10 });
  expect(taken.sync_run.run_id).toBe('run_1');
});
