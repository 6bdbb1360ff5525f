import { message } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { said } from '../reduce/testing.ts';
import { emptyRunView, recentRates, reduceRunView } from './run-view.ts';

it('rates are those of the last seconds, and fall when nothing comes in any more', () => {
  let progress = initialProgress(['a', 'b'], 0);
  let view = reduceRunView(emptyRunView, message.progress(progress), 0);
  expect(recentRates(view, 0).total).toBe(0);
  for (let at = 250; at <= 60_000; at += 250) {
    const created = at <= 30_000 ? 25 : 250;
    const result = message.writeResult({ stream: 'a', created, updated: 0, deleted: 0, skipped: 0 });
    progress = reduceProgress(progress, said(result, at));
    view = reduceRunView(view, message.progress(progress), at);
    if (at === 30_000) expect(recentRates(view, at).of('a')).toBeCloseTo(100);
  }
  expect(recentRates(view, 60_000).of('a')).toBeCloseTo(1000);
  expect(recentRates(view, 60_000).of('b')).toBe(0);
  expect(recentRates(view, 60_000).total).toBeCloseTo(1000);
  expect(recentRates(view, 63_000).total).toBeLessThan(700);
  expect(recentRates(view, 90_000).total).toBe(0);
  // However long the run: memory does not grow with it.
  expect(view.samples.length).toBeLessThanOrEqual(12);
});
