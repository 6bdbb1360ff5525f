import {
  CodedError,
  encodeMessage,
  type FailureType,
  type Message,
  message,
  parseMessage,
  type SourceStatePayload,
} from '@penstock/protocol';
import { BufferPool } from './buffer-pool.ts';
import { encodeRecord, encodeRecordBatch } from './encode-record.ts';
import { STATE_BYTES_MAX } from './limit.ts';
import type { MessageOutput } from './message-output.ts';
import type { ProgramLog } from './program-log.ts';
import type { SecretScrubber } from './secret-scrubber.ts';
import type { SourceOutput } from './source.ts';
import type { StreamEnds } from './stream-ends.ts';

/** A message of a connector as a line. @throws CodedError `protocol_violated` when it is none (P8) */
export function encodeChecked(item: Message): string {
  const parsed = parseMessage(item);
  if (parsed.kind === 'message') return encodeMessage(item);
  const reason = parsed.kind === 'invalid' ? parsed.reason : `there is no type "${parsed.type}"`;
  throw new CodedError('protocol_violated', { message: `The connector gave something that is no message: ${reason}.` });
}

/** What a {@link SourceWriter} works with. */
export interface SourceWriterOptions {
  readonly output: MessageOutput;
  readonly log: ProgramLog;
  readonly scrubber: SecretScrubber;
  readonly ends: StreamEnds;
  /** Asked to stop: nothing more is written, at the end of any line. */
  readonly isStopped: () => boolean;
}

/** Writes what a source's `read` yields, counts the records and holds the source to the order of statuses. */
export class SourceWriter {
  readonly #options: SourceWriterOptions;
  readonly #pool = new BufferPool();
  readonly #recordCounts = new Map<string, number>();
  #recordCount = 0;
  #failure: FailureType | undefined;

  constructor(options: SourceWriterOptions) {
    this.#options = options;
  }

  /** Set once the source said that its connection failed: the run is over. */
  get failure(): FailureType | undefined {
    return this.#failure;
  }

  /** Resolves when the item is on its way and there is room for the next one. */
  async write(item: SourceOutput): Promise<void> {
    const { output, scrubber, ends, log } = this.#options;
    switch (item.type) {
      case 'record':
        if (!this.#isKnown(item.record.stream)) break;
        output.writeLine(encodeRecord(item.record));
        this.#count(item.record.stream, 1);
        break;
      case 'record_batch':
        if (!this.#isKnown(item.stream)) break;
        for (const { lines, recordCount } of encodeRecordBatch(item, this.#pool)) {
          await output.whenReady();
          if (this.#options.isStopped()) return;
          output.writeBytes(lines, () => this.#pool.giveBack(lines));
          this.#count(item.stream, recordCount);
        }
        break;
      case 'source_state':
        this.#writeCheckpoint(item.source_state);
        break;
      case 'stream_status':
        if (!this.#isKnown(item.stream_status.stream)) break;
        if (ends.admit(item.stream_status)) output.writeLine(encodeChecked(scrubber.message(item)));
        else {
          const { stream, status } = item.stream_status;
          log.warn(`The source gave stream "${stream}" the status "${status}" after its end; it is dropped.`, {
            stream,
          });
        }
        break;
      case 'connection_status':
        if (item.connection_status.status === 'failed') this.#failure = item.connection_status.failure_type ?? 'system';
        output.writeLine(encodeChecked(scrubber.message(item)));
        break;
      default:
        output.writeLine(encodeChecked(scrubber.message(item)));
    }
    const ready = output.whenReady();
    if (ready !== undefined) await ready;
  }

  #count(stream: string, records: number): void {
    this.#recordCounts.set(stream, (this.#recordCounts.get(stream) ?? 0) + records);
    this.#recordCount += records;
  }

  #writeCheckpoint(payload: SourceStatePayload): void {
    if (payload.state_type === 'global') {
      this.#writeState({ ...payload, record_count: this.#recordCount }, 'The global state');
      this.#recordCount = 0;
      return;
    }
    if (!this.#isKnown(payload.stream)) return;
    const recordCount = this.#recordCounts.get(payload.stream) ?? 0;
    this.#writeState({ ...payload, record_count: recordCount }, `The state of stream "${payload.stream}"`);
    this.#recordCounts.set(payload.stream, 0);
  }

  #writeState(payload: SourceStatePayload, what: string): void {
    const line = encodeChecked(message.sourceState(payload));
    const bytes = Buffer.byteLength(line);
    if (bytes > STATE_BYTES_MAX) {
      throw new CodedError('protocol_violated', {
        message: `${what} has ${bytes} bytes; at most ${STATE_BYTES_MAX} are allowed.`,
      });
    }
    this.#options.output.writeLine(line);
  }

  /** Whether the catalog has the stream; one that it doesn't have gets one error and is passed over. */
  #isKnown(stream: string): boolean {
    const { ends, output } = this.#options;
    if (ends.isInCatalog(stream)) return true;
    const error = `The source wrote stream "${stream}", which is not in the catalog.`;
    const status = { stream, status: 'error', error, failure_type: 'system' } as const;
    if (ends.admit(status)) output.writeLine(encodeChecked(message.streamStatus(status)));
    return false;
  }
}
