import { expect, it } from 'vitest';
import { Batch } from '../merge/batch.ts';
import { nextWork, type Work } from './next-work.ts';

/** `a` is a batch of stream a, `a!` a whole set of it to be taken over, `a+` its indexes. */
const parse = (word: string): Work => {
  const stream = word[0]!;
  if (word[1] === '!') return { kind: 'take_over', stream, position: 0 };
  if (word[1] === '+') return { kind: 'indexes', stream };
  return { kind: 'batch', stream, batch: new Batch(stream, 1024), position: 0 };
};
const show = (work: Work | undefined) => work && work.stream + { batch: '', take_over: '!', indexes: '+' }[work.kind];

it.each([
  { queue: 'a b', busy: '', next: 'a', why: 'the oldest first' },
  { queue: 'a b', busy: 'a', next: 'b', why: 'a stream that nobody works on first' },
  { queue: 'a a', busy: 'a', next: 'a', why: 'two batches of one stream at once' },
  { queue: 'a b', busy: 'a a', next: 'b', why: 'not all connections for one stream' },
  { queue: 'a', busy: 'a a', next: undefined, why: 'not all connections for one stream, though they are free' },
  { queue: 'a! b', busy: 'a', next: 'b', why: 'other work when all before is done' },
  { queue: 'a a+', busy: 'a a', next: undefined, why: 'nor before what waits' },
  { queue: 'a+', busy: '', next: 'a+', why: 'then it is done' },
  { queue: 'a! a+', busy: '', next: 'a!', why: 'one such work after the other' },
  { queue: 'a! a+', busy: 'a', next: undefined, why: 'both wait' },
  { queue: 'a+ a', busy: 'a', next: undefined, why: 'batches behind it wait' },
  { queue: 'a b', busy: 'a', blocked: 'a', next: 'b', why: 'batches wait while it is done' },
  { queue: 'a', busy: 'a', blocked: 'a', next: undefined, why: 'batches wait while it is done, whatever is free' },
])('of "$queue", while "$busy" is being done, $next is next: $why', ({ queue, busy, blocked, next }) => {
  const words = (text = '') => text.split(' ').filter(Boolean);
  const inFlight = new Map<string, number>();
  for (const stream of words(busy)) inFlight.set(stream, (inFlight.get(stream) ?? 0) + 1);
  const business = { inFlight, blocked: new Set(words(blocked)), connections: 2 };
  expect(show(nextWork(words(queue).map(parse), business))).toBe(next);
});
