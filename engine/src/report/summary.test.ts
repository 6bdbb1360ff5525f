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
    ['failed streams', failed, { has_more: false, reason: 'error' }, '✗ shop: ended, 1 of 1 stream failed'],
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

describe('of 130 streams', () => {
  const all = Array.from({ length: 130 }, (_, index) => `stream_${index + 1}`);
  const time_range = { gte: '2020-01-01T00:00:00Z', lt: '2026-01-31T12:00:00Z' };
  const progress = all.reduce(
    (at, stream, index) => {
      const reduce = (before: typeof at, ...events: Parameters<typeof status>[0][]) =>
        events.map((each) => status(each)).reduce(reduceProgress, before);
      if (index >= 120) return at;
      if (index % 12 === 0) {
        const reason = `The account does not have /v1/${stream}. Enable it, or leave ${stream} out.`;
        return reduce(at, { stream, status: 'skip', reason });
      }
      if (index % 12 === 1) {
        const error = `The key may not read /v1/${stream} ('${stream}_read').`;
        return reduce(at, { stream, status: 'error', error, failure_type: 'config' });
      }
      if (index % 40 === 2) return reduce(at, { stream, status: 'error', error: `Broken ${index}.` });
      const begun = reduce(at, { stream, status: 'start', time_range });
      const counts = { stream, created: index * 100, updated: 0, deleted: 0, skipped: 0 };
      const written = reduceProgress(begun, said(message.writeResult(counts)));
      return index % 3 === 0 ? reduce(written, { stream, status: 'complete' }) : written;
    },
    initialProgress(all, 0),
  );
  const eof = { run_progress: progress, request_progress: progress };

  it('a terminal gets those that read most, the others together, and each reason once', () => {
    const text = summary(eof, 80);
    expect(text).toMatchInlineSnapshot(`
      "  stream      records  created  complete through
      ● stream_89     8,800    8,800  not yet complete
      ● stream_90     8,900    8,900  not yet complete
      ✓ stream_91     9,000    9,000  2026-01-31 12:00:00Z
      ● stream_92     9,100    9,100  not yet complete
      ● stream_93     9,200    9,200  not yet complete
      ✓ stream_94     9,300    9,300  2026-01-31 12:00:00Z
      ● stream_95     9,400    9,400  not yet complete
      ● stream_96     9,500    9,500  not yet complete
      ● stream_99     9,800    9,800  not yet complete
      ✓ stream_100    9,900    9,900  2026-01-31 12:00:00Z
      ● stream_101   10,000   10,000  not yet complete
      ● stream_102   10,100   10,100  not yet complete
      ✓ stream_103   10,200   10,200  2026-01-31 12:00:00Z
      ● stream_104   10,300   10,300  not yet complete
      ● stream_105   10,400   10,400  not yet complete
      ✓ stream_106   10,500   10,500  2026-01-31 12:00:00Z
      ● stream_107   10,600   10,600  not yet complete
      ● stream_108   10,700   10,700  not yet complete
      ● stream_111   11,000   11,000  not yet complete
      ✓ stream_112   11,100   11,100  2026-01-31 12:00:00Z
      ● stream_113   11,200   11,200  not yet complete
      ● stream_114   11,300   11,300  not yet complete
      ✓ stream_115   11,400   11,400  2026-01-31 12:00:00Z
      ● stream_116   11,500   11,500  not yet complete
      ● stream_117   11,600   11,600  not yet complete
      ✓ stream_118   11,700   11,700  2026-01-31 12:00:00Z
      ● stream_119   11,800   11,800  not yet complete
      ● stream_120   11,900   11,900  not yet complete
      ✓ 21 more complete, 92,700 records, through 2026-01-31 12:00:00Z
      ● 48 more not yet complete, 209,500 records
      ○ 10 streams not started

      – skipped: 10 streams: stream_1, stream_13, stream_25, stream_37 and 6 more
          stream_1: The account does not have /v1/stream_1. Enable it, or leave
          stream_1 out.

      ✗ 10 streams: stream_2, stream_14, stream_26, stream_38, stream_50 and 5 more
          stream_2: The key may not read /v1/stream_2 ('stream_2_read').
          Mend this first; it is tried again in the next run.

      ✗ stream_3
          Broken 2.
          Run again; if it stays, report it to whoever maintains the connector.

      ✗ stream_43
          Broken 42.
          Run again; if it stays, report it to whoever maintains the connector.

      ✗ stream_83
          Broken 82.
          Run again; if it stays, report it to whoever maintains the connector.

      ◌ shop: stopped at the time limit, 13 of 130 streams failed. Run again to go on.
        592,400 records in 0.0s: 592,400 created"
    `);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('a log gets every one of them', () => {
    const text = summary(eof, Number.POSITIVE_INFINITY);
    for (const name of all.slice(0, 120)) expect(text).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('of many reasons a terminal gets some, and the names of the other streams', () => {
    const broken = all.reduce(
      (at, stream, index) => reduceProgress(at, status({ stream, status: 'error', error: `${index * 7} is odd.` })),
      initialProgress(all, 0),
    );
    const lines = summary({ run_progress: broken, request_progress: broken }, 80).split('\n');
    expect(lines.length).toBeLessThan(60);
    expect(lines.join('\n')).toContain('✗ 122 more, for other reasons: stream_9, stream_10,');
  });
});

it('keeps the counts beside a long name as long as the name can be told', () => {
  const stream = 'a_stream_with_a_name_that_takes_most_of_a_narrow_terminal';
  const counts = { stream, created: 1, updated: 0, deleted: 2, skipped: 0 };
  const progress = [
    status({ stream, status: 'start' }),
    said(message.writeResult(counts)),
    status({ stream, status: 'complete' }),
  ].reduce(reduceProgress, initialProgress([stream], 0));
  const head = (width: number) => summary({ run_progress: progress, request_progress: progress }, width).split('\n')[0];
  expect(head(120)).toMatch(/records {2}created {2}deleted {2}complete/);
  expect(head(70)).toMatch(/records {2}created {2}deleted {2}complete/);
  expect(head(60)).toMatch(/stream +created {2}deleted {2}complete/);
  expect(head(50)).toMatch(/stream +records {2}complete/);
});
