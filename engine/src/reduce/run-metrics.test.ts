import { type EngineMessage, message } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { type MetricsInput, metricTable } from './metric-table.ts';
import { initialProgress } from './progress.ts';
import { initialRunMetrics, type MetricsEvent, type RunMetrics, reduceRunMetrics } from './run-metrics.ts';

const START = Date.UTC(2026, 0, 31);

const saidBy = (said: EngineMessage, by = 'engine'): MetricsEvent => ({
  type: 'message',
  message: { ...said, _emitted_by: by },
});
const catalog = saidBy(message.catalog({ streams: ['a', 'b'].map((name) => ({ name, primary_key: [['id']] })) }));
const relayed = (records: number, bytes: number, destination = 0): MetricsEvent => ({
  type: 'relayed',
  counts: new Map([['a', { records, bytes }]]),
  waitedMs: { destination, listener: 0 },
});
const log = (data: Record<string, unknown>, by = 'source/shop', level: 'debug' | 'warn' = 'warn') =>
  saidBy(message.log({ level, message: 'text', data }), by);

function after(...events: readonly MetricsEvent[]): RunMetrics {
  return events.reduce(reduceRunMetrics, initialRunMetrics(START));
}

/** What a metric shows, as `label=value,… value`. */
function shown(name: string, run: RunMetrics, input: Partial<MetricsInput> = {}): string[] {
  const engine = { startTimeSeconds: 1, cpuSeconds: 2, residentBytes: 3, residentBytesMax: 4 };
  return metricTable
    .find((metric) => metric.name === name)!
    .samples({ run, engine, version: '1.2.3', now: START, ...input })
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`.trim())
    .filter((text) => !text.endsWith(' 0'));
}

describe('metrics of a run', () => {
  it('have every stream and every component from the beginning, at 0', () => {
    const run = after({ type: 'run_known', runId: 'r', components: ['source/shop', 'engine'] }, catalog);
    const samplesOf = (name: string) => metricTable.find((metric) => metric.name === name)!.samples({ run } as never);
    expect(samplesOf('penstock_records_read_total')).toEqual([
      { labels: { stream: 'a' }, value: 0 },
      { labels: { stream: 'b' }, value: 0 },
    ]);
    expect(samplesOf('penstock_retries_total')).toEqual([
      { labels: { component: 'source/shop' }, value: 0 },
      { labels: { component: 'engine' }, value: 0 },
    ]);
    expect(shown('penstock_run_info', run)).toEqual(['r 1.2.3 1']);
  });

  it('count what is passed on, and how long the source waited', () => {
    const run = after(catalog, relayed(2, 100, 1500), relayed(3, 50));
    expect(shown('penstock_records_read_total', run)).toEqual(['a 5']);
    expect(shown('penstock_read_bytes_total', run)).toEqual(['a 150']);
    expect(shown('penstock_source_waits_seconds_total', run)).toEqual(['destination 1.5']);
  });

  it('count written records by what came of them', () => {
    const result = message.writeResult({ stream: 'a', created: 1, updated: 2, deleted: 3, skipped: 4 });
    const checkpoint = message.sourceState({ stream: 'a', data: {}, record_count: 10 } as never);
    const run = after(catalog, saidBy(result), saidBy(checkpoint), saidBy(result));
    expect(shown('penstock_records_written_total', run)).toEqual([
      'a created 2',
      'a updated 4',
      'a deleted 6',
      'a skipped 8',
    ]);
    expect(shown('penstock_checkpoints_total', run)).toEqual(['a 1']);
  });

  it('count the records that checkpoints cover where a destination says nothing else', () => {
    const checkpoint = message.sourceState({ state_type: 'stream', stream: 'a', data: {}, record_count: 10 });
    const global = message.sourceState({ state_type: 'global', data: {}, record_count: 99 });
    const run = after(catalog, saidBy(checkpoint), saidBy(global), saidBy(checkpoint));
    expect(shown('penstock_records_written_total', run)).toEqual(['a unknown 20']);
    expect(shown('penstock_checkpoints_total', run)).toEqual(['a 2']);
    expect(shown('penstock_global_checkpoints_total', run)).toEqual(['1']);
  });

  it.each([
    ['a retry, whatever its level', log({ retry_in_ms: 0 }, 'source/shop', 'debug'), ['source/shop 1'], []],
    ['a retry after a 429', log({ retry_in_ms: 5, http_status: 429 }), ['source/shop 1'], ['source/shop 1']],
    ['a 429 alone', log({ http_status: 429 }), [], ['source/shop 1']],
    ['another status', log({ retry_in_ms: 5, http_status: 500 }), ['source/shop 1'], []],
    ['data of another kind', log({ retry_in_ms: 'soon', http_status: '429' }), [], []],
    ['a retry of the engine', log({ retry_in_ms: 5 }, 'engine'), ['engine 1'], []],
  ])('count retries and answers that say to slow down: %s', (_title, event, retries, rateLimited) => {
    const run = after(event);
    expect(shown('penstock_retries_total', run)).toEqual(retries);
    expect(shown('penstock_rate_limited_total', run)).toEqual(rateLimited);
    expect(shown('penstock_log_messages_total', run)).toHaveLength(1);
  });

  it('count failures of streams by who can help, a failure without a type as a defect', () => {
    const error = (failure_type?: 'config' | 'transient') =>
      saidBy(message.streamStatus({ stream: 'a', status: 'error', error: 'e', ...(failure_type && { failure_type }) }));
    const run = after(catalog, error('transient'), error('transient'), error('config'), error());
    expect(shown('penstock_stream_errors_total', run)).toEqual(['a config 1', 'a transient 2', 'a system 1']);
  });

  it('say when state was saved last, and nothing before', () => {
    expect(shown('penstock_state_last_save_timestamp_seconds', after())).toEqual([]);
    const run = after({ type: 'state_saved', at: START + 500 }, { type: 'state_saved', at: START + 1500 });
    expect(shown('penstock_state_last_save_timestamp_seconds', run)).toEqual([`${START / 1000 + 1.5}`]);
    expect(shown('penstock_state_saves_total', run)).toEqual(['2']);
  });

  it('show the status, the lag and the time of streams that have one', () => {
    const { streams, ...progress } = initialProgress(['a', 'b', 'c', 'd'], START);
    const total_range = { gte: '2026-01-01T00:00:00Z', lt: '2026-01-31T00:00:00Z' };
    const synced_through = '2026-01-30T23:59:00Z';
    const run = after(
      saidBy(
        message.progress({
          ...progress,
          streams: {
            a: { ...streams.a!, status: 'started', total_range, synced_through },
            b: { ...streams.b!, status: 'started', total_range },
            c: { ...streams.c!, status: 'completed', synced_through: '2026-02-01T00:00:00Z' },
            d: { ...streams.d!, status: 'skipped' },
          },
        }),
      ),
    );
    expect(shown('penstock_stream_status', run)).toEqual([
      'a started 1',
      'b started 1',
      'c completed 1',
      'd skipped 1',
    ]);
    expect(shown('penstock_stream_lag_seconds', run)).toEqual(['a 60', `b ${30 * 86_400}`]);
    expect(shown('penstock_stream_synced_through_timestamp_seconds', run)).toEqual([
      `a ${START / 1000 - 60}`,
      `c ${START / 1000 + 86_400}`,
    ]);
  });

  it('keep few of the streams that no catalog has', () => {
    const strange = Array.from({ length: 1000 }, (_, i) =>
      saidBy(message.streamStatus({ stream: `x${i}`, status: 'error', error: 'unknown' })),
    );
    expect(after(...strange).streams.size).toBe(100);
  });
});

describe('the table of metrics', () => {
  it('follows the conventions of Prometheus: names, units, one sentence without a full stop', () => {
    const names = metricTable.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, help, labels } of metricTable) {
      expect(name).toMatch(/^(penstock|process)_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_(ms|millis|minutes|kb|mb|count)(_|$)/);
      expect(help).toMatch(/^[A-Z0-9].*[^.]$/);
      for (const label of labels) expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
    }
  });
});
