import { type EngineMessage, message } from '@penstock/protocol';
import { expect, it } from 'vitest';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { said } from '../reduce/testing.ts';
import { initialLoggedRun } from './changes.ts';
import { logEntries } from './log-entries.ts';
import { encodeLogEntry, type LogEntry, noteEntry } from './log-entry.ts';
import { BEGIN, exampleEof, exampleProgress } from './testing.ts';

/** The entries for messages that come one second after another. */
function entriesOf(messages: readonly EngineMessage[], logLevel: 'debug' | 'info' = 'info'): LogEntry[] {
  let run = initialLoggedRun;
  return messages.flatMap((each, index) => {
    const options = { pipeline: 'shop', runId: 'run_1', logLevel };
    const change = logEntries(run, each, BEGIN + index * 1000, options);
    run = change.run;
    return change.entries;
  });
}

const first = message.progress(initialProgress(Object.keys(exampleProgress().streams), BEGIN));

it('has run, pipeline, level and component in every entry, and the stream where it is about one', () => {
  const catalog = message.catalog({ streams: [{ name: 'customers', primary_key: [['id']] }] });
  const entries = entriesOf([catalog, first, message.progress(exampleProgress()), message.eof(exampleEof())]);
  for (const entry of entries) {
    expect(entry).toMatchObject({ pipeline: 'shop', run_id: 'run_1', component: 'engine' });
    expect(entry.time).toMatch(/^2026-01-31T12:00:0\d\.000Z$/);
    expect(entry.message).not.toBe('');
  }
  expect(entries.map(({ event, level, stream }) => [event, level, stream])).toEqual([
    ['run_started', 'info', undefined],
    ['stream_completed', 'info', 'customers'],
    ['stream_started', 'info', 'charges'],
    ['stream_started', 'info', 'invoices'],
    ['stream_skipped', 'warn', 'issuing_cards'],
    ['stream_failed', 'error', 'disputes'],
    ['run_ended', 'error', undefined],
  ]);
  expect(entries[1]).toMatchObject({
    message: 'completed, 12,361 records, through 2026-01-31 12:00:00Z',
    records: 12_361,
    created: 12_345,
    synced_through: '2026-01-31T12:00:00Z',
  });
  expect(entries[5]).toMatchObject({ reason: 'The key may not read disputes.\nAllow it.' });
  expect(entries[6]).toMatchObject({
    message: 'stopped at the time limit, 1 of 6 streams failed. Run again to go on.',
    reason: 'time_limit',
    has_more: true,
    failed_stream_count: 1,
    records: 217_200,
  });
});

it('passes on what a connector logs: who, level, stream and data', () => {
  const data = { retry_in_ms: 5, nested: { a: [1] } };
  const log = message.log({ level: 'warn', message: 'slow\ndown', stream: 'a', data });
  const [entry, ...others] = entriesOf([
    { ...log, _emitted_by: 'source/stripe' },
    message.log({ level: 'debug', message: 'odd' }),
  ]);
  expect(others).toEqual([]);
  expect(entry).toEqual({
    time: '2026-01-31T12:00:00.000Z',
    level: 'warn',
    message: 'slow\ndown',
    pipeline: 'shop',
    run_id: 'run_1',
    component: 'source/stripe',
    stream: 'a',
    event: 'log',
    data,
  });
  expect(entriesOf([message.log({ level: 'debug', message: 'odd' })], 'debug')).toHaveLength(1);
});

it('says that the connection failed, and who could not connect', () => {
  const failed = message.connectionStatus({ status: 'failed', message: 'no', failure_type: 'config' });
  expect(entriesOf([{ ...failed, _emitted_by: 'source/stripe' }])).toMatchObject([
    { level: 'error', event: 'connection_failed', component: 'source/stripe', message: 'no', failure_type: 'config' },
  ]);
});

it('says every few seconds how far the run is, unless only time has passed', () => {
  const moved = (created: number) => {
    const written = message.writeResult({ stream: 'charges', created, updated: 0, deleted: 0, skipped: 0 });
    return message.progress(reduceProgress(exampleProgress(), said(written, BEGIN + 3000)));
  };
  const progressOf = (messages: readonly EngineMessage[]) =>
    entriesOf([first, ...messages]).filter(({ event }) => event === 'progress');
  expect(progressOf(Array.from({ length: 6 }, (_, i) => moved(i)))).toMatchObject([
    { level: 'info', records: 217_204, message: expect.stringMatching(/^217,204 records, .*1 failed$/) },
  ]);
  const later = (seconds: number) => reduceProgress(exampleProgress(), { type: 'tick', at: BEGIN + seconds * 1000 });
  expect(progressOf(Array.from({ length: 12 }, (_, i) => message.progress(later(2 + i))))).toEqual([]);
});

it('is one line of JSON an entry, also for text that has several', () => {
  const line = encodeLogEntry(noteEntry('a\nb', BEGIN, {}));
  expect(line.trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(line)).toEqual({
    time: '2026-01-31T12:00:00.000Z',
    level: 'info',
    message: 'a\nb',
    component: 'engine',
    event: 'note',
  });
});
