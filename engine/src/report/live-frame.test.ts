import { message, type ProgressPayload } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { said, status } from '../reduce/testing.ts';
import { type FrameOptions, liveFrame } from './live-frame.ts';
import { type Line, lineText } from './paint.ts';
import { emptyRunView, reduceRunView } from './run-view.ts';
import { exampleProgress, textOf } from './testing.ts';

const options: FrameOptions = {
  pipeline: 'shop',
  runId: 'r1',
  width: 80,
  height: 23,
  elapsedMs: 12_000,
  now: 2000,
  frame: 1,
};

const frame = (progress: ProgressPayload, changes: Partial<FrameOptions> = {}) =>
  liveFrame(reduceRunView(emptyRunView, message.progress(progress), 0), { ...options, ...changes });

it('shows each stream, how far it is, and what went wrong', () => {
  expect(textOf(frame(exampleProgress()))).toMatchInlineSnapshot(`
    "shop                                                                 run r1  12s
    reading · 217,200 records · 3 of 6 done · 0 checkpoints

    ✓ customers         12,361           through 2026-01-31 12:00:00Z
    ⠙ charges          204,816           ▕                       ▕███████████▏  31%
    ⠙ invoices              23
    – issuing_cards                      The account has no Issuing. Apply for it,…
    ✗ disputes               0
    ○ payouts

    ✗ disputes: The key may not read disputes. Allow it."
  `);
});

it('dates the bars where there is room', () => {
  expect(textOf(frame(exampleProgress(), { width: 120, height: 12 }))).toMatchInlineSnapshot(`
    "shop                                                                                                         run r1  12s
    reading · 217,200 records · 3 of 6 done · 0 checkpoints

    ✓ customers         12,361           through 2026-01-31 12:00:00Z
    ⠙ charges          204,816           2020-01 ▕                                        ▐██████████████████▏ 2026-01  31%
    ⠙ invoices              23
    – issuing_cards                      The account has no Issuing. Apply for it, or leave it out.
    ✗ disputes               0
    ○ payouts

    ✗ disputes: The key may not read disputes. Allow it."
  `);
});

it('makes one line of the streams that have not started when the terminal is short', () => {
  expect(textOf(frame(exampleProgress(94), { height: 12 }))).toMatchInlineSnapshot(`
    "shop                                                                 run r1  12s
    reading · 217,200 records · 3 of 100 done · 0 checkpoints

    ✓ customers         12,361           through 2026-01-31 12:00:00Z
    ⠙ charges          204,816           ▕                       ▕███████████▏  31%
    ⠙ invoices              23
    – issuing_cards                      The account has no Issuing. Apply for it,…
    ✗ disputes               0
    ○ 95 not started  payouts, stream_1, stream_2, stream_3, stream_4 and 90 more

    ✗ disputes: The key may not read disputes. Allow it."
  `);
});

it('says that it is starting before anything is known', () => {
  expect(textOf(liveFrame(emptyRunView, options))).toMatchInlineSnapshot(`
    "shop                                                                 run r1  12s
    starting
    "
  `);
});

/** 100 streams: of each status some, running ones first in number. */
function busy(): ProgressPayload {
  const names = Array.from({ length: 100 }, (_, index) => `stream_${index + 1}`);
  return names.reduce(
    (progress, stream, index) => {
      if (index % 10 === 0)
        return reduceProgress(progress, status({ stream, status: 'error', error: `broken ${index}` }));
      if (index % 10 === 1) return reduceProgress(progress, status({ stream, status: 'skip', reason: 'not enabled' }));
      if (index < 50) return reduceProgress(progress, status({ stream, status: 'start' }));
      if (index < 80) return reduceProgress(progress, status({ stream, status: 'complete' }));
      return progress;
    },
    initialProgress(names, 0),
  );
}

it('gives most lines to running streams when there are many more than lines', () => {
  expect(textOf(frame(busy(), { height: 16 }))).toMatchInlineSnapshot(`
    "shop                                                                 run r1  12s
    reading · 0 records · 44 of 100 done · 0 checkpoints

    ⠙ stream_3            0
    ⠙ stream_4            0
    ⠙ stream_5            0
    ⠙ stream_6            0
    ⠙ stream_7            0
    ● 35 more running  stream_8, stream_9, stream_10, stream_13 and 31 more
    – 10 skipped  stream_2, stream_12, stream_22, stream_32, stream_42 and 5 more
    ✓ 24 completed  stream_53, stream_54, stream_55, stream_56 and 20 more
    ○ 16 not started  stream_83, stream_84, stream_85, stream_86 and 12 more

    ✗ stream_1: broken 0
    ✗ stream_11: broken 10
    ✗ 8 more failed  stream_21, stream_31, stream_41, stream_51 and 4 more"
  `);
});

it.each([
  [80, 23],
  [200, 59],
  [40, 10],
  [20, 4],
  [80, 120],
])('keeps to a terminal of %d × %d', (width, height) => {
  for (const progress of [busy(), exampleProgress(), exampleProgress(90)]) {
    const lines = frame(progress, { width, height });
    expect(lines.length).toBeLessThanOrEqual(height);
    for (const line of lines) expect([...lineText(line).trimEnd()].length).toBeLessThanOrEqual(width);
  }
});

it('accounts for every stream of the catalog, in lines or in the numbers of groups', () => {
  const lines = frame(busy(), { height: 30 }).map(lineText);
  const shown = lines.filter((line) => /^\S stream_\d+ /.test(line)).length;
  const grouped = lines.map((line) => Number(/^\S (\d+) (?!more failed|failed)/.exec(line)?.[1] ?? 0));
  const failed = 10;
  expect(shown + grouped.reduce((sum, count) => sum + count, 0) + failed).toBe(100);
});

it('shows the failed connection in place of the totals', () => {
  const failed = message.connectionStatus({ status: 'failed', message: 'The key was refused.' });
  const progress = reduceProgress(exampleProgress(), { type: 'message', at: 0, message: failed });
  expect(lineText(frame(progress)[1]!)).toBe('Failed: The key was refused.');
});

it('keeps streams that were skipped or failed out of those that run, however short the terminal', () => {
  const text = textOf(frame(exampleProgress(20), { height: 9 }));
  expect(text).toContain('– issuing_cards');
  expect(text).toMatch(/● 2 more running {2}charges, invoices/);
});

it('shows what was said last below the streams, and leaves it out where there is no room', () => {
  const notices = ['one', 'two', 'three', 'x'.repeat(100)].map((text): Line => [[text, 'plain']]);
  const shown = textOf(frame(exampleProgress(), { notices })).split('\n');
  expect(shown.slice(-4)).toEqual(['', 'two', 'three', `${'x'.repeat(79)}…`]);
  expect(textOf(frame(exampleProgress(), { notices, height: 8 }))).not.toContain('three');
});

it('gives the lines there are to the running streams that move', () => {
  const last = 'stream_49';
  const moved = said(message.writeResult({ stream: last, created: 500, updated: 0, deleted: 0, skipped: 0 }), 2000);
  const view = [busy(), reduceProgress(busy(), moved)].reduce(
    (at, progress, index) => reduceRunView(at, message.progress(progress), index * 2000),
    emptyRunView,
  );
  expect(textOf(liveFrame(view, { ...options, height: 16 }))).toMatch(/^⠙ stream_49 +500 +250\/s/m);
});

it('a stream that is read, but not by time, shows its checkpoints, since an empty bar would look stuck', () => {
  const time_range = { gte: '2026-01-01T00:00:00Z', lt: '2026-02-01T00:00:00Z' };
  const progress = [
    status({ stream: 'a', status: 'start', time_range }),
    said(message.sourceState({ state_type: 'stream', stream: 'a', data: {}, record_count: 7 })),
  ].reduce(reduceProgress, initialProgress(['a'], 0));
  expect(textOf(frame(progress))).toMatch(/⠙ a +7 +1 checkpoint$/m);
});

it('a stream whose range is complete and that goes on says through when, where there is room', () => {
  const time_range = { gte: '2026-01-01T00:00:00Z', lt: '2026-02-01T00:00:00Z' };
  const progress = [
    status({ stream: 'a', status: 'start', time_range }),
    status({ stream: 'a', status: 'range_complete', range_complete: time_range }),
  ].reduce(reduceProgress, initialProgress(['a'], 0));
  expect(textOf(frame(progress))).toMatch(/⠙ a .*through 2026-02-01 00:00:00Z, goes on$/m);
  expect(textOf(frame(progress, { width: 60 }))).toMatch(/⠙ a .*▕█+▏ 100%$/m);
});
