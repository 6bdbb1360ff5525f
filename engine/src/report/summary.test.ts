import { type EofPayload, message } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { said, status } from '../reduce/testing.ts';
import { summaryLines } from './summary.ts';
import { exampleEof, textOf } from './testing.ts';

const summary = (changes: Partial<EofPayload> = {}, width = 120) =>
  textOf(summaryLines(exampleEof(changes), 'shop', width));

it('says for each stream what was done, through when it is complete, and what to do', () => {
  expect(summary()).toMatchInlineSnapshot(`
    "  stream         records  created  updated  deleted  unchanged  complete through
    ✓ customers       12,361   12,345       12        1          3  2026-01-31 12:00:00Z
    ● charges        204,816  204,800       12        1          3  not yet complete
    ● invoices            23        7       12        1          3  not yet complete
    – issuing_cards        0                                        skipped
    ✗ disputes             0                                        failed
    ○ 1 stream not started

    – skipped: issuing_cards
        The account has no Issuing. Apply for it, or leave it out.

    ✗ disputes
        The key may not read disputes. Allow it.
        Mend this first; it is tried again in the next run.

    ◌ shop: stopped at the time limit, 1 of 6 streams failed. Run again to go on.
      217,200 records in 2.0s, 108,600/s: 217,152 created, 36 updated, 3 deleted, 9 unchanged"
  `);
});

it('leaves the columns of changes out of a narrow terminal', () => {
  expect(summary({}, 60)).toMatchInlineSnapshot(`
    "  stream         records  complete through
    ✓ customers       12,361  2026-01-31 12:00:00Z
    ● charges        204,816  not yet complete
    ● invoices            23  not yet complete
    – issuing_cards        0  skipped
    ✗ disputes             0  failed
    ○ 1 stream not started

    – skipped: issuing_cards
        The account has no Issuing. Apply for it, or leave it
        out.

    ✗ disputes
        The key may not read disputes. Allow it.
        Mend this first; it is tried again in the next run.

    ◌ shop: stopped at the time limit, 1 of 6 streams failed.
    Run again to go on.
      217,200 records in 2.0s, 108,600/s: 217,152 created, 36
      updated, 3 deleted, 9 unchanged"
  `);
});

describe('the outcome', () => {
  const done = reduceProgress(initialProgress(['a'], 0), status({ stream: 'a', status: 'complete' }));
  const failed = reduceProgress(initialProgress(['a'], 0), status({ stream: 'a', status: 'error', error: 'e' }));
  const refused = reduceProgress(
    initialProgress(['a', 'b'], 0),
    said(message.connectionStatus({ status: 'failed', message: 'The key was refused.', failure_type: 'config' })),
  );
  const outcome = (progress: typeof done, rest: Partial<EofPayload>) =>
    summary({ run_progress: progress, request_progress: progress, status: progress.derived.status, ...rest });

  it.each([
    ['complete', done, { has_more: false, reason: 'complete' }, '✓ shop: complete'],
    ['failed streams', failed, { has_more: false, reason: 'complete' }, '✗ shop: ended, 1 of 1 stream failed'],
    [
      'time limit',
      done,
      { has_more: true, reason: 'time_limit' },
      '◌ shop: stopped at the time limit. Run again to go on.',
    ],
    ['signal', done, { has_more: true, reason: 'aborted' }, '◌ shop: stopped on request. Run again to go on.'],
    ['error', done, { has_more: true, reason: 'error' }, '✗ shop: failed'],
  ] as const)('%s', (_case, progress, rest, text) => {
    expect(outcome(progress, rest)).toContain(text);
  });

  it('is all there is when the run failed before any stream began', () => {
    expect(outcome(refused, { has_more: false, reason: 'error' })).toBe(
      '✗ shop: failed\n  The key was refused.\n  0 records in 0.0s',
    );
  });

  it('tells this call from the whole run', () => {
    const call = initialProgress(['customers'], 0);
    expect(summary({ request_progress: call })).toContain('0 records in 0.0s; 217,200 in the whole run');
  });
});
