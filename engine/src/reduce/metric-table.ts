import { parseTimestamp, type StreamProgress } from '@penstock/protocol';
import { type ComponentCounts, type RunMetrics, type StreamCounts, writeOutcomes } from './run-metrics.ts';

/** What is known of a process, besides what it has reduced. */
export interface ProcessMetrics {
  /** When the process began, in seconds since 1970. */
  readonly startTimeSeconds: number;
  /** User and system time. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly residentBytesMax: number;
}

/** Everything that metrics are made of. */
export interface MetricsInput {
  readonly run: RunMetrics;
  readonly engine: ProcessMetrics;
  /** Of the engine. */
  readonly version: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A value, and what it is of. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric, as Prometheus knows it. All have the label `pipeline` too. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** One sentence, without a full stop. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Its values. Pure. */
  readonly samples: (input: MetricsInput) => readonly Sample[];
}

const statuses: readonly StreamProgress['status'][] = ['not_started', 'started', 'completed', 'skipped', 'errored'];

/** All metrics of a run, in the order in which they are shown. */
export const metricTable: readonly MetricDefinition[] = [
  {
    name: 'penstock_run_info',
    type: 'gauge',
    help: 'Always 1, its labels say which run this is',
    labels: ['run_id', 'version'],
    samples: ({ run, version }) => [{ labels: { run_id: run.runId ?? '', version }, value: 1 }],
  },
  single(
    'penstock_run_start_time_seconds',
    'gauge',
    'When this call of sync began, in seconds since 1970',
    ({ run }) => {
      return run.startedAt / 1000;
    },
  ),
  {
    name: 'penstock_stream_status',
    type: 'gauge',
    help: `1 for the status that the stream has in this run, 0 for the others: ${statuses.join(', ')}`,
    labels: ['stream', 'status'],
    samples: ({ run }) =>
      progressOf(run).flatMap(([stream, { status: actual }]) =>
        statuses.map((status) => ({ labels: { stream, status }, value: status === actual ? 1 : 0 })),
      ),
  },
  {
    name: 'penstock_stream_synced_through_timestamp_seconds',
    type: 'gauge',
    help: 'Time through which the stream is complete, in seconds since 1970; absent until something is complete in this run, and for streams without times',
    labels: ['stream'],
    samples: ({ run }) =>
      progressOf(run).flatMap(([stream, { synced_through }]) =>
        synced_through === undefined ? [] : [{ labels: { stream }, value: parseTimestamp(synced_through) / 1000 }],
      ),
  },
  {
    name: 'penstock_stream_lag_seconds',
    type: 'gauge',
    help: 'Age of the oldest time of the stream that is not complete: now less the time through which it is complete or, while nothing is, less the beginning of what it reads in this run; absent for streams without times',
    labels: ['stream'],
    samples: ({ run, now }) =>
      progressOf(run).flatMap(([stream, { synced_through, total_range }]) => {
        const since = synced_through ?? total_range?.gte;
        if (since === undefined) return [];
        return [{ labels: { stream }, value: Math.max(0, now - parseTimestamp(since)) / 1000 }];
      }),
  },
  perStream('penstock_records_read_total', 'Records that came from the source and were passed on', (counts) => {
    return counts.recordsRead;
  }),
  perStream('penstock_read_bytes_total', 'Bytes of the lines of these records', ({ bytesRead }) => bytesRead),
  {
    name: 'penstock_records_written_total',
    type: 'counter',
    help: 'Records that the destination has committed, by what came of them: created, updated, deleted, skipped (nothing changed), or unknown where the destination does not say',
    labels: ['stream', 'outcome'],
    samples: ({ run }) =>
      [...run.streams].flatMap(([stream, { recordsWritten }]) =>
        writeOutcomes.map((outcome) => ({ labels: { stream, outcome }, value: recordsWritten[outcome] })),
      ),
  },
  perStream('penstock_checkpoints_total', 'Checkpoints of the stream that came out of the destination', (counts) => {
    return counts.checkpoints;
  }),
  single(
    'penstock_global_checkpoints_total',
    'counter',
    'Checkpoints of the whole source that came out of the destination',
    ({ run }) => {
      return run.globalCheckpoints;
    },
  ),
  single('penstock_state_saves_total', 'counter', 'How often the state was saved', ({ run }) => run.stateSaves),
  single(
    'penstock_state_last_save_timestamp_seconds',
    'gauge',
    'When the state was last saved in this call of sync, in seconds since 1970; absent before',
    ({ run }) => {
      return run.stateSavedAt === undefined ? undefined : run.stateSavedAt / 1000;
    },
  ),
  {
    name: 'penstock_stream_errors_total',
    type: 'counter',
    help: 'How often the stream has failed, by who can help: config (a person), transient (another try), system (a defect)',
    labels: ['stream', 'failure_type'],
    samples: ({ run }) =>
      [...run.streams].flatMap(([stream, { errors }]) =>
        Object.entries(errors).map(([failure_type, value]) => ({ labels: { stream, failure_type }, value })),
      ),
  },
  perComponent('penstock_retries_total', 'How often something was tried again', ({ retries }) => retries),
  perComponent(
    'penstock_rate_limited_total',
    'How often another system answered with 429, too many requests, and was asked again',
    (counts) => {
      return counts.rateLimited;
    },
  ),
  {
    name: 'penstock_log_messages_total',
    type: 'counter',
    help: 'Logs, by who said it and level',
    labels: ['component', 'level'],
    samples: ({ run }) =>
      [...run.components].flatMap(([component, { logs }]) =>
        Object.entries(logs).map(([level, value]) => ({ labels: { component, level }, value })),
      ),
  },
  {
    name: 'penstock_source_waits_seconds_total',
    type: 'counter',
    help: 'How long the source was not read because somebody else was busy: destination (it reads nothing), or listener (whoever reads the output of the command)',
    labels: ['waits_for'],
    samples: ({ run }) =>
      Object.entries(run.waitedMs).map(([waits_for, ms]) => ({ labels: { waits_for }, value: ms / 1000 })),
  },
  single(
    'process_start_time_seconds',
    'gauge',
    'When the process of the engine began, in seconds since 1970',
    ({ engine }) => {
      return engine.startTimeSeconds;
    },
  ),
  single('process_cpu_seconds_total', 'counter', 'CPU time of the engine, without its connectors', ({ engine }) => {
    return engine.cpuSeconds;
  }),
  single('process_resident_memory_bytes', 'gauge', 'Memory of the engine, without its connectors', ({ engine }) => {
    return engine.residentBytes;
  }),
  single(
    'penstock_process_resident_memory_max_bytes',
    'gauge',
    'The most memory that the engine has had',
    ({ engine }) => {
      return engine.residentBytesMax;
    },
  ),
];

function progressOf(run: RunMetrics): [string, StreamProgress][] {
  return Object.entries(run.progress?.streams ?? {});
}

function single(
  name: string,
  type: MetricDefinition['type'],
  help: string,
  value: (input: MetricsInput) => number | undefined,
): MetricDefinition {
  const samples = (input: MetricsInput): Sample[] => {
    const found = value(input);
    return found === undefined ? [] : [{ labels: {}, value: found }];
  };
  return { name, type, help, labels: [], samples };
}

function perStream(name: string, help: string, value: (counts: StreamCounts) => number): MetricDefinition {
  const samples = ({ run }: MetricsInput): Sample[] =>
    [...run.streams].map(([stream, counts]) => ({ labels: { stream }, value: value(counts) }));
  return { name, type: 'counter', help, labels: ['stream'], samples };
}

function perComponent(name: string, help: string, value: (counts: ComponentCounts) => number): MetricDefinition {
  const samples = ({ run }: MetricsInput): Sample[] =>
    [...run.components].map(([component, counts]) => ({ labels: { component }, value: value(counts) }));
  return { name, type: 'counter', help, labels: ['component'], samples };
}
