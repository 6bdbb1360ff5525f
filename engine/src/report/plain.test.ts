import { type EngineMessage, message } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { continuedProgress } from '../reduce/sync-state.ts';
import { said, status } from '../reduce/testing.ts';
import { initialLoggedRun } from './changes.ts';
import { plainLines } from './plain.ts';
import { BEGIN, exampleEof, exampleProgress, textOf } from './testing.ts';

/** The lines for messages that come one second after another. */
function linesOf(messages: readonly EngineMessage[], logLevel: 'debug' | 'info' = 'info'): string {
  let run = initialLoggedRun;
  const lines = messages.flatMap((each, index) => {
    const change = plainLines(run, each, BEGIN + index * 1000, { pipeline: 'shop', logLevel });
    run = change.run;
    return change.lines;
  });
  return textOf(lines);
}

const first = message.progress(initialProgress(Object.keys(exampleProgress().streams), BEGIN));

it('writes a line for each change of a stream, and the summary at the end', () => {
  const catalog = message.catalog({ streams: [{ name: 'customers', primary_key: [['id']] }] });
  const text = linesOf([catalog, first, message.progress(exampleProgress()), message.eof(exampleEof())]);
  expect(text).toMatchInlineSnapshot(`
    "2026-01-31 12:00:00Z  shop: 1 stream
    2026-01-31 12:00:02Z  customers: completed, 12,361 records, through 2026-01-31 12:00:00Z
    2026-01-31 12:00:02Z  charges: started
    2026-01-31 12:00:02Z  invoices: started
    2026-01-31 12:00:02Z  issuing_cards: skipped: The account has no Issuing. Apply for it, or leave it out.
    2026-01-31 12:00:02Z  disputes: failed after 0 records: The key may not read disputes. Allow it.
      stream         records  created  updated  deleted  unchanged  complete through
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

/** Progress that has come so many rows further. */
function furtherBy(created: number): EngineMessage {
  const written = message.writeResult({ stream: 'charges', created, updated: 0, deleted: 0, skipped: 0 });
  return message.progress(reduceProgress(exampleProgress(), said(written, BEGIN + 3000)));
}

it('says how far the run is every five seconds', () => {
  const text = linesOf(Array.from({ length: 12 }, (_, i) => furtherBy(i)));
  expect(text.split('\n')).toEqual([
    expect.stringMatching(
      /^2026-01-31 12:00:05Z {2}217,205 records, \S+, 1 completed, 2 running, 1 not started, 1 skipped, 1 failed$/,
    ),
    expect.stringMatching(/^2026-01-31 12:00:10Z {2}217,210 records/),
  ]);
});

it('says nothing for progress in which only time has passed', () => {
  const laterBy = (seconds: number) =>
    message.progress(reduceProgress(exampleProgress(), { type: 'tick', at: BEGIN + seconds * 1000 }));
  expect(linesOf(Array.from({ length: 12 }, (_, i) => laterBy(2 + i)))).toBe('');
});

it('says that a stream which is tried again starts, not that it has not', () => {
  const failed = reduceProgress(
    initialProgress(['a'], BEGIN),
    status({ stream: 'a', status: 'error', error: 'no', failure_type: 'transient' }, BEGIN),
  );
  const again = continuedProgress(failed, ['a'], BEGIN);
  const started = reduceProgress(again, status({ stream: 'a', status: 'start' }, BEGIN));
  expect(linesOf([failed, again, started].map((each) => message.progress(each)))).toBe(
    '2026-01-31 12:00:02Z  a: started',
  );
});

it('does not report as news what a continuation had ended before', () => {
  const before = reduceProgress(initialProgress(['a'], BEGIN), status({ stream: 'a', status: 'complete' }, BEGIN));
  expect(linesOf([message.progress(before)])).toBe('');
});

it('shows logs from the level on that was asked for, on one line each', () => {
  const warn = message.log({ level: 'warn', message: 'slow\ndown', stream: 'a' });
  const debug = message.log({ level: 'debug', message: 'odd' });
  expect(linesOf([{ ...warn, _emitted_by: 'source/stripe' }, debug])).toBe(
    '2026-01-31 12:00:00Z  warn  source/stripe a: slow down',
  );
  expect(linesOf([debug], 'debug')).toContain('debug odd');
});

it('says at once that the connection failed', () => {
  expect(linesOf([message.connectionStatus({ status: 'failed', message: 'no' })])).toContain('failed: no');
  expect(linesOf([message.connectionStatus({ status: 'succeeded' })])).toBe('');
});
