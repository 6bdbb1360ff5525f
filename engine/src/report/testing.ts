import { type EofPayload, message, type ProgressPayload, type StreamStatusPayload } from '@penstock/protocol';
import { initialProgress, reduceProgress } from '../reduce/progress.ts';
import { said, status } from '../reduce/testing.ts';
import { type Line, lineText } from './paint.ts';

/** When example runs begin, in milliseconds since 1970. */
export const BEGIN = Date.UTC(2026, 0, 31, 12);

const total = { gte: '2020-01-01T00:00:00Z', lt: '2026-01-31T12:00:00Z' };

/** A run that has come some way: of each kind of stream one, and `more` that have not started, for tests. */
export function exampleProgress(more = 0): ProgressPayload {
  const names = ['customers', 'charges', 'invoices', 'issuing_cards', 'disputes', 'payouts'];
  const begun = initialProgress([...names, ...Array.from({ length: more }, (_, i) => `stream_${i + 1}`)], BEGIN);
  const statuses: StreamStatusPayload[] = [
    { stream: 'customers', status: 'start', time_range: total },
    { stream: 'charges', status: 'start', time_range: total },
    { stream: 'charges', status: 'range_complete', range_complete: { gte: '2024-03-01T00:00:00Z', lt: total.lt } },
    { stream: 'invoices', status: 'start' },
    { stream: 'customers', status: 'complete' },
    { stream: 'issuing_cards', status: 'skip', reason: 'The account has no Issuing. Apply for it, or leave it out.' },
    { stream: 'disputes', status: 'error', error: 'The key may not read disputes.\nAllow it.', failure_type: 'config' },
  ];
  const written = (stream: string, created: number) =>
    said(message.writeResult({ stream, created, updated: 12, deleted: 1, skipped: 3 }), BEGIN + 2000);
  return [
    ...statuses.map((payload) => status(payload, BEGIN + 1000)),
    written('customers', 12_345),
    written('charges', 204_800),
    written('invoices', 7),
  ].reduce(reduceProgress, begun);
}

/** The end of such a run, for tests. */
export function exampleEof(changes: Partial<EofPayload> = {}): EofPayload {
  const progress = exampleProgress();
  return {
    status: progress.derived.status,
    has_more: true,
    reason: 'time_limit',
    ending_state: { source: { streams: {}, global: {} }, destination: {}, sync_run: { progress } },
    run_progress: progress,
    request_progress: progress,
    ...changes,
  };
}

/** Lines as text, without styles. */
export function textOf(lines: readonly Line[]): string {
  return lines.map((line) => lineText(line).trimEnd()).join('\n');
}
