import type { Readable } from 'node:stream';
import {
  CodedError,
  type ConfiguredCatalog,
  type FailureType,
  InvalidLines,
  LineSplitter,
  type Message,
  message,
  parseLine,
  parseRecordLine,
  RecordPeek,
  recordDataStart,
  recordLineHead,
  type SourceStateMessage,
  showLine,
} from '@penstock/protocol';
import type { InputItem, InputRecord } from './destination.ts';
import { UNKNOWN_STREAMS_MAX } from './limit.ts';
import type { ProgramLog } from './program-log.ts';
import { type CheckpointVerdict, type LedgerStream, RecordLedger } from './record-ledger.ts';
import { StreamEnds } from './stream-ends.ts';

/** What closes the record and the message after `data`. */
const AFTER_DATA = '}}';

/** A record as a part of the chunk that it came in; nothing is copied. */
class ChunkRecord implements InputRecord {
  readonly kind = 'record';
  readonly stream: string;
  readonly data: Buffer;
  readonly lineNumber: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #end: number;

  constructor(stream: string, bytes: Buffer, start: number, end: number, dataStart: number, lineNumber: number) {
    this.stream = stream;
    this.data = bytes.subarray(dataStart, end - AFTER_DATA.length);
    this.lineNumber = lineNumber;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get line(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }
}

/** What the messages that a destination never sees are answered with. */
export interface MessageInputOptions {
  readonly catalog: ConfiguredCatalog;
  readonly log: ProgramLog;
  /** Puts a message out at once: `control` and `connection_status` of the source, errors of streams nobody asked for. */
  readonly passOn: (message: Message) => void;
  /** Undefined when the output can take more. */
  readonly whenReady: () => Promise<void> | undefined;
}

/** The only reader of stdin of `write`: turns lines into items, as many at a time as one read brings, and only when asked. */
export class MessageInput implements AsyncIterable<readonly InputItem[]> {
  readonly #source: Readable;
  readonly #options: MessageInputOptions;
  readonly #ledger: RecordLedger;
  readonly #unknown = new Set<string>();
  readonly #splitter = new LineSplitter();
  readonly #peek = new RecordPeek();
  readonly #invalid = new InvalidLines('the source');
  readonly #ends: StreamEnds;
  #items: InputItem[] = [];
  #stopped = false;
  #failure: CodedError | undefined;
  #sourceFailure: FailureType | undefined;

  constructor(source: Readable, options: MessageInputOptions) {
    this.#source = source;
    this.#options = options;
    this.#ends = new StreamEnds(options.catalog);
    this.#ledger = new RecordLedger(options.catalog);
  }

  /** What was wrong with the input as a whole: too many invalid lines, or one that is too long. It ended there. */
  get failure(): CodedError | undefined {
    return this.#failure;
  }

  /** Set when the source said that its connection failed. */
  get sourceFailure(): FailureType | undefined {
    return this.#sourceFailure;
  }

  /** Streams that the source has not ended yet. */
  get openStreams(): string[] {
    return this.#ends.open;
  }

  /** How many streams came that are not in the catalog. */
  get unknownStreams(): number {
    return this.#unknown.size;
  }

  /** Reads no more; what was read before is still given. */
  stop(): void {
    this.#stopped = true;
    this.#source.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly InputItem[], void, undefined> {
    try {
      for await (const chunk of this.#source as AsyncIterable<Buffer>) {
        this.#take(chunk);
        await this.#options.whenReady();
        if (this.#items.length > 0) {
          const items = this.#items;
          this.#items = [];
          yield items;
        }
        if (this.#failure !== undefined || this.#stopped) return;
      }
    } catch (error) {
      // Destroying a stream ends its iterator with an error of its own.
      if (this.#stopped) return;
      this.#options.log.warn(`The input could not be read to its end: ${(error as Error).message}`);
    }
    this.#endLine();
  }

  #take(chunk: Buffer): void {
    try {
      this.#splitter.push(chunk, (bytes, start, end) => this.#takeLine(bytes, start, end));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#failure = error;
    }
  }

  #endLine(): void {
    const rest = this.#splitter.takeRest();
    if (rest === undefined || parseLine(rest).kind === 'blank') return;
    const { lineNumber } = this.#splitter;
    this.#options.log.warn(
      `The last line of the input (line ${lineNumber}) has no newline, so it was probably cut off. It is dropped: ${showLine(rest)}`,
    );
  }

  #takeLine(bytes: Buffer, start: number, end: number): void {
    const name = this.#peek.stream(bytes, start, end);
    const stream = name === undefined ? undefined : this.#ledger.stream(name);
    if (stream !== undefined) {
      const dataStart = recordDataStart(bytes, start, end, stream.nameBytes);
      if (dataStart !== -1) {
        this.#takeRecord(stream, bytes, start, end, dataStart);
        return;
      }
    }
    this.#takeOtherLine(bytes.subarray(start, end));
  }

  #takeRecord(stream: LedgerStream, bytes: Buffer, start: number, end: number, dataStart: number): void {
    this.#ledger.count(stream);
    if (stream.lost) return;
    this.#items.push(new ChunkRecord(stream.name, bytes, start, end, dataStart, this.#splitter.lineNumber));
  }

  /** Any line that is not a record in canonical spelling. */
  #takeOtherLine(line: Buffer): void {
    const record = line.includes('"record"') ? parseRecordLine(line) : undefined;
    if (record !== undefined) {
      const stream = this.#known(record.stream);
      if (stream === undefined) {
        this.#ledger.count(undefined);
        return;
      }
      const head = recordLineHead(record.stream, record.emitted_at);
      const bytes = Buffer.from(head + record.data + AFTER_DATA);
      this.#takeRecord(stream, bytes, 0, bytes.length, Buffer.byteLength(head));
      return;
    }
    const parsed = parseLine(line);
    if (parsed.kind === 'message') this.#takeMessage(parsed.message);
    else if (parsed.kind === 'unknown_type') this.#passOver(parsed.type);
    else if (parsed.kind === 'invalid') {
      const { level: _, message: text, ...detail } = this.#invalid.add(this.#splitter.lineNumber, line, parsed.reason);
      this.#options.log.warn(text, { data: detail.data ?? {} });
    }
  }

  #takeMessage(item: Message): void {
    switch (item.type) {
      case 'source_state':
        this.#takeCheckpoint(item);
        break;
      case 'stream_status': {
        const stream = this.#known(item.stream_status.stream);
        if (stream === undefined) break;
        if (!this.#ends.admit(item.stream_status)) this.#warnSecondEnd(stream.name, item.stream_status.status);
        else if (!stream.lost) this.#items.push({ kind: 'status', message: item });
        break;
      }
      case 'log':
        this.#options.log.passOn(item.log);
        break;
      case 'connection_status':
        if (item.connection_status.status === 'failed') {
          this.#sourceFailure = item.connection_status.failure_type ?? 'system';
        }
        this.#options.passOn(item);
        break;
      case 'control':
        this.#options.passOn(item);
        break;
      default:
        this.#passOver(item.type);
    }
  }

  #takeCheckpoint(item: SourceStateMessage): void {
    const checkpoint = item.source_state;
    let verdict: CheckpointVerdict;
    if (checkpoint.state_type === 'global') verdict = this.#ledger.checkGlobal(checkpoint, this.#ends.open);
    else {
      const stream = this.#known(checkpoint.stream);
      if (stream === undefined) return;
      verdict = this.#ledger.checkStream(stream, checkpoint);
    }
    if (verdict.kind === 'pass') this.#items.push({ kind: 'checkpoint', message: item });
    else if (verdict.kind === 'fail') this.#items.push(...verdict.failures);
    else if (verdict.kind === 'too_late') this.#failure = verdict.error;
  }

  /** The stream when it is in the catalog; else it is answered with an error, once. */
  #known(name: string): LedgerStream | undefined {
    const stream = this.#ledger.stream(name);
    if (stream !== undefined || this.#unknown.has(name)) return stream;
    if (this.#unknown.size >= UNKNOWN_STREAMS_MAX) {
      throw new CodedError('protocol_violated', {
        message: `The source wrote more than ${UNKNOWN_STREAMS_MAX} streams that are not in the catalog, the last one "${name}".`,
      });
    }
    this.#unknown.add(name);
    // A global checkpoint would cover its records, which are not kept.
    this.#ledger.holdGlobal();
    const error = `The source wrote stream "${name}" (line ${this.#splitter.lineNumber}), which is not in the catalog; it is passed over. Give both sides the same catalog.`;
    this.#options.passOn(message.streamStatus({ stream: name, status: 'error', error, failure_type: 'system' }));
    return undefined;
  }

  #passOver(type: string): void {
    this.#options.log.debug(
      `Line ${this.#splitter.lineNumber}: a message of type "${type.slice(0, 100)}" is passed over.`,
    );
  }

  #warnSecondEnd(stream: string, status: string): void {
    this.#options.log.warn(`The source gave stream "${stream}" the status "${status}" after its end; it is dropped.`, {
      stream,
    });
  }
}
