import type { ConnectorLog, InputItem } from '@penstock/connector-sdk';
import {
  type ConfiguredCatalog,
  type ConfiguredStream,
  configuredCatalogSchema,
  type DestinationMessage,
  message,
} from '@penstock/protocol';
import { type Config, configSchema } from '../config.ts';
import { destination } from '../destination.ts';

/** A stream for tests: key `id`, version `v`, deleted by `deleted`, and a field of each kind. */
export function testStream(
  name: string,
  more: Omit<Partial<ConfiguredStream>, 'stream'> & { stream?: object } = {},
): ConfiguredStream {
  const { stream, ...configured } = more;
  return configuredCatalogSchema.parse({
    streams: [
      {
        sync_mode: 'incremental',
        destination_sync_mode: 'append_dedup',
        ...configured,
        stream: {
          name,
          primary_key: [['id']],
          newer_than_field: 'v',
          soft_delete_field: 'deleted',
          json_schema: {
            type: 'object',
            properties: {
              id: { type: 'string' },
              v: { type: 'integer' },
              name: { type: ['string', 'null'] },
              amount: { type: 'integer' },
              created: { type: 'integer', format: 'unix-time' },
              customer: { anyOf: [{ type: 'string' }, { type: 'object' }] },
              tags: { type: 'array' },
            },
          },
          ...stream,
        },
      },
    ],
  }).streams[0]!;
}

/** A record with its JSON as it is written, or as an object. */
export function record(stream: string, data: object | string, lineNumber = 1): InputItem {
  const json = typeof data === 'string' ? data : JSON.stringify(data);
  const line = `{"type":"record","record":{"stream":${JSON.stringify(stream)},"emitted_at":"2026-01-01T00:00:00Z","data":${json}}}`;
  return { kind: 'record', stream, data: Buffer.from(json), line: Buffer.from(line), lineNumber };
}

/** A checkpoint of one stream. */
export function checkpoint(stream: string, data: unknown): InputItem {
  return { kind: 'checkpoint', message: message.sourceState({ state_type: 'stream', stream, data }) };
}

/** A checkpoint of all streams. */
export function globalCheckpoint(data: unknown): InputItem {
  return { kind: 'checkpoint', message: message.sourceState({ state_type: 'global', data: { at: data } }) };
}

/** What a source says about a stream. */
export function status(stream: string, value: 'start' | 'running' | 'complete'): InputItem {
  return { kind: 'status', message: message.streamStatus({ stream, status: value }) };
}

/** What a test hands to {@link writeItems}. */
export type WriteTest = {
  readonly config: { url: string } & Record<string, unknown>;
  readonly streams: readonly ConfiguredStream[];
  /** One array is what one read of stdin would bring. */
  readonly input: Iterable<readonly InputItem[]> | AsyncIterable<readonly InputItem[]>;
  readonly signal?: AbortSignal;
  readonly stopRequested?: AbortSignal;
  readonly onMessage?: (message: DestinationMessage) => void;
  readonly onLog?: (line: string) => void;
};

/** Runs `write` in this process. @returns all that it puts out, and its log lines */
export async function writeItems({ config, streams, input, signal, stopRequested, onMessage, onLog }: WriteTest) {
  const messages: DestinationMessage[] = [];
  const logged: string[] = [];
  const put = (text: string) => {
    logged.push(text);
    onLog?.(text);
  };
  const log: ConnectorLog = { debug: put, info: put, warn: put, error: put };
  const context = {
    config: configSchema.parse(config) as Config,
    catalog: { streams: [...streams] } as ConfiguredCatalog,
    log,
    signal: signal ?? new AbortController().signal,
    stopRequested: stopRequested ?? new AbortController().signal,
    input: (async function* () {
      yield* input;
    })(),
  };
  for await (const item of destination.write(context)) {
    messages.push(item);
    onMessage?.(item);
  }
  return { messages, logged, results: totals(messages) };
}

/** The write results of each stream, added up. */
function totals(messages: readonly DestinationMessage[]) {
  const sums: Record<string, { created: number; updated: number; deleted: number; skipped: number }> = {};
  for (const item of messages) {
    if (item.type !== 'write_result') continue;
    const { stream, ...counts } = item.write_result;
    sums[stream] ??= { created: 0, updated: 0, deleted: 0, skipped: 0 };
    for (const key of ['created', 'updated', 'deleted', 'skipped'] as const) sums[stream][key] += counts[key];
  }
  return sums;
}

/** One short word for each message, for comparing orders. */
export function outline(messages: readonly DestinationMessage[]): string[] {
  return messages.map((item) => {
    if (item.type === 'source_state') {
      const { source_state: state } = item;
      return state.state_type === 'stream'
        ? `${state.stream}:${JSON.stringify(state.data)}`
        : `global:${JSON.stringify(state.data.at)}`;
    }
    if (item.type === 'stream_status') return `${item.stream_status.stream}:${item.stream_status.status}`;
    return item.type === 'write_result' ? `${item.write_result.stream}:result` : item.type;
  });
}
