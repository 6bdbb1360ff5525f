import type { ConnectorLog, RecordBatch, SourceOutput } from '@penstock/connector-sdk';
import type { ConfiguredStream, SourceStateSet, StreamStatusPayload } from '@penstock/protocol';
import { configSchema } from '../config.ts';
import { stripeSource } from '../source.ts';
import { builtInTable, describeStreams } from '../streams/stream-table.ts';

/** A log that says nothing. */
export const quietLog: ConnectorLog = { debug() {}, info() {}, warn() {}, error() {} };

/** The catalog's entries of these streams, or of all. */
export async function configuredStreams(...names: string[]): Promise<ConfiguredStream[]> {
  const all = names.length === 0 ? await describeStreams() : await builtInTable.describe();
  return all
    .filter((stream) => names.length === 0 || names.includes(stream.name))
    .map((stream) => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'append_dedup' }));
}

/** The memory of a batch is the source's again when it is asked for more. */
function copyOf(batch: RecordBatch): RecordBatch {
  return { ...batch, data: batch.data.map((item) => Buffer.from(item)) };
}

/** What came out of a read so far. */
export class Emitted {
  readonly outputs: SourceOutput[] = [];
  /** Records by stream, in order. */
  readonly records = new Map<string, Record<string, unknown>[]>();
  readonly statuses = new Map<string, StreamStatusPayload[]>();
  /** As whoever reads the messages up to here would save it. */
  state: SourceStateSet;

  constructor(state: SourceStateSet) {
    this.state = state;
  }

  add(output: SourceOutput): void {
    this.outputs.push(output.type === 'record_batch' ? copyOf(output) : output);
    if (output.type === 'record_batch') {
      const known = this.records.get(output.stream) ?? [];
      this.records.set(output.stream, known);
      for (const data of output.data) known.push(JSON.parse(data.toString()));
    } else if (output.type === 'source_state') {
      // Through text, as it would be saved: a later change of the same object would show.
      const { source_state } = JSON.parse(JSON.stringify(output)) as typeof output;
      if (source_state.state_type === 'global') this.state = { ...this.state, global: source_state.data };
      else {
        const { stream, data } = source_state;
        this.state = { ...this.state, streams: { ...this.state.streams, [stream]: data } };
      }
    } else if (output.type === 'stream_status') {
      const { stream } = output.stream_status;
      this.statuses.set(stream, [...(this.statuses.get(stream) ?? []), output.stream_status]);
    }
  }

  /** Ids of a stream's records, sorted, those that came twice twice. */
  ids(stream: string): string[] {
    return (this.records.get(stream) ?? []).map((record) => record.id as string).sort();
  }

  /** How a stream ended. */
  last(stream: string): StreamStatusPayload | undefined {
    return this.statuses.get(stream)?.at(-1);
  }
}

/** Options of {@link readSource}. */
export interface ReadOptions {
  readonly config: Record<string, unknown>;
  readonly streams: readonly ConfiguredStream[];
  readonly state?: SourceStateSet;
  readonly signal?: AbortSignal;
  /** Stops reading, as if killed, after so many outputs. */
  readonly cutAfter?: number;
  readonly log?: ConnectorLog;
}

/** Reads with the source object itself, in this process. */
export async function readSource(options: ReadOptions): Promise<Emitted> {
  const { config, streams, state = { streams: {}, global: {} }, cutAfter = Number.POSITIVE_INFINITY } = options;
  const emitted = new Emitted(state);
  if (cutAfter === 0) return emitted;
  const outputs = stripeSource.read({
    config: configSchema.parse({ api_key: 'sk_test_1234567890', rate_limit: 100_000, ...config }),
    catalog: { streams: [...streams] },
    state,
    input: undefined,
    signal: options.signal ?? new AbortController().signal,
    log: options.log ?? quietLog,
  });
  for await (const output of outputs) {
    emitted.add(output);
    if (emitted.outputs.length >= cutAfter) break;
  }
  return emitted;
}
