import {
  type CodedError,
  InvalidLines,
  isTerminalStatus,
  LineSplitter,
  type LogPayload,
  type Message,
  type MessageOf,
  parseLine,
  RecordPeek,
  toCodedError,
} from '@penstock/protocol';

/** What the engine handles itself, out of the order of the records. */
export type OutOfBandMessage = MessageOf<'log' | 'control' | 'connection_status'>;

/** Where everything goes that is not passed on. */
export interface SourceLinesHandler {
  onMessage(message: OutOfBandMessage): void;
  /** About the lines themselves, e.g. that one is no message. */
  onLog(log: LogPayload): void;
  /** Something was said about a stream that the catalog doesn't have. Once for each stream. */
  onUnknownStream(stream: string): void;
}

/** What was passed on of one stream. */
export interface RelayedCount {
  readonly records: number;
  /** Of the lines of its records, newlines not counted. */
  readonly bytes: number;
}

const NEWLINE = 0x0a;
const NEWLINE_BYTES = Buffer.from('\n');

/**
 * Streams that are not in the catalog and are remembered, so that each is reported once. A source that invents more than
 * that is not worth a longer list (P4).
 */
const UNKNOWN_STREAMS_MAX = 1_000;

/**
 * Sorts the lines of a source: what is for the destination comes back as the same bytes, neighbouring lines in one piece;
 * everything else goes to the handler. Canonical record lines are told by their first and last bytes and never parsed.
 */
export class SourceLines {
  readonly #name: string;
  readonly #streams: ReadonlySet<string>;
  readonly #handler: SourceLinesHandler;
  readonly #splitter: LineSplitter;
  readonly #invalid: InvalidLines;
  readonly #peek = new RecordPeek();
  readonly #unknown = new Set<string>();
  readonly #open: Set<string>;
  readonly #counts = new Map<string, RelayedCount>();
  #countedStream = '';
  #countedRecords = 0;
  #countedBytes = 0;
  #refusal: CodedError | undefined;

  /**
   * @param name of the source, for messages
   * @param streams the names in the catalog
   * @param lineBytesMax longest line
   */
  constructor(name: string, streams: ReadonlySet<string>, handler: SourceLinesHandler, lineBytesMax?: number) {
    this.#name = name;
    this.#streams = streams;
    this.#open = new Set(streams);
    this.#handler = handler;
    this.#splitter = new LineSplitter(lineBytesMax);
    this.#invalid = new InvalidLines(name);
  }

  /**
   * @returns what the destination gets, in order: parts of this chunk, and lines that began in an earlier one. In the chunk
   *   that is refused, what comes before the bad place; afterwards nothing.
   */
  push(chunk: Buffer): Buffer[] {
    const pieces: Buffer[] = [];
    if (this.#refusal !== undefined) return pieces;
    let runStart = -1;
    let lastEnd = -1;
    this.#refuseOnError(() =>
      this.#splitter.push(chunk, (bytes, start, end) => {
        const passes = this.#passes(bytes, start, end);
        if (bytes === chunk) {
          if (passes) {
            if (runStart === -1) runStart = start;
            lastEnd = end;
          } else if (runStart !== -1) {
            pieces.push(chunk.subarray(runStart, start));
            runStart = -1;
          }
        } else if (passes) {
          // The line began in an earlier chunk and has memory of its own; its newline is the first one of this.
          pieces.push(bytes);
          runStart = chunk.indexOf(NEWLINE);
          lastEnd = runStart;
        }
      }),
    );
    if (runStart !== -1) pieces.push(chunk.subarray(runStart, chunk.indexOf(NEWLINE, lastEnd) + 1));
    return pieces;
  }

  /**
   * To be called when nothing more comes.
   *
   * @param succeeded whether the process ended well: then a last line without its newline counts, else it may be cut and is
   *   dropped
   */
  end(succeeded: boolean): Buffer[] {
    const rest = this.#splitter.takeRest();
    if (rest === undefined || this.#refusal !== undefined) return [];
    if (succeeded) {
      let passes = false;
      this.#refuseOnError(() => {
        passes = this.#passes(rest, 0, rest.length);
      });
      return passes ? [rest, NEWLINE_BYTES] : [];
    }
    this.#handler.onLog({
      level: 'warn',
      message: `${this.#name} ended in the middle of line ${this.#splitter.lineNumber}; its ${rest.length} bytes are dropped.`,
    });
    return [];
  }

  /**
   * Why nothing more of it is passed on or looked at: `line_too_long`, `protocol_violated` after too many invalid lines, or
   * what the handler has thrown. Records are missing from there on, so no later checkpoint may get through (P1).
   */
  get refusal(): CodedError | undefined {
    return this.#refusal;
  }

  /** Streams of the catalog of which the source has not said yet how they ended. */
  get openStreams(): ReadonlySet<string> {
    return this.#open;
  }

  /** What was passed on since the last call, by stream. */
  takeCounts(): ReadonlyMap<string, RelayedCount> {
    this.#countOther('');
    const counts = new Map(this.#counts);
    this.#counts.clear();
    return counts;
  }

  #refuseOnError(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#refusal = toCodedError(error);
    }
  }

  #passes(bytes: Buffer, start: number, end: number): boolean {
    const stream = this.#peek.stream(bytes, start, end);
    if (stream !== undefined) return this.#passesRecord(stream, end - start);
    const line = bytes.subarray(start, end);
    const parsed = parseLine(line);
    switch (parsed.kind) {
      case 'message':
        return this.#passesMessage(parsed.message, line);
      case 'invalid':
        this.#handler.onLog(this.#invalid.add(this.#splitter.lineNumber, line, parsed.reason));
        return false;
      case 'unknown_type':
        this.#handler.onLog({
          level: 'debug',
          message: `${this.#name}: line ${this.#splitter.lineNumber} is of the unknown type "${parsed.type}" and is passed over.`,
        });
        return false;
      case 'blank':
        return false;
    }
  }

  #passesMessage(message: Message, line: Buffer): boolean {
    switch (message.type) {
      case 'record':
        return this.#passesRecord(message.record.stream, line.length);
      case 'source_state':
        // A global checkpoint covers the records of all streams, those of an unknown one too, which are dropped (P1).
        if (message.source_state.state_type === 'global') return this.#unknown.size === 0;
        return this.#isKnown(message.source_state.stream);
      case 'stream_status':
        if (isTerminalStatus(message.stream_status)) this.#open.delete(message.stream_status.stream);
        return this.#isKnown(message.stream_status.stream);
      case 'log':
      case 'control':
      case 'connection_status':
        this.#handler.onMessage(message);
        return false;
      default: {
        const reason = `a source does not write ${message.type} messages here`;
        this.#handler.onLog(this.#invalid.add(this.#splitter.lineNumber, line, reason));
        return false;
      }
    }
  }

  #passesRecord(stream: string, bytes: number): boolean {
    if (stream !== this.#countedStream) {
      if (!this.#isKnown(stream)) return false;
      this.#countOther(stream);
    }
    this.#countedRecords += 1;
    this.#countedBytes += bytes;
    return true;
  }

  #countOther(stream: string): void {
    if (this.#countedRecords > 0) {
      const { records, bytes } = this.#counts.get(this.#countedStream) ?? { records: 0, bytes: 0 };
      this.#counts.set(this.#countedStream, {
        records: records + this.#countedRecords,
        bytes: bytes + this.#countedBytes,
      });
    }
    this.#countedStream = stream;
    this.#countedRecords = 0;
    this.#countedBytes = 0;
  }

  #isKnown(stream: string): boolean {
    if (this.#streams.has(stream)) return true;
    if (!this.#unknown.has(stream) && this.#unknown.size < UNKNOWN_STREAMS_MAX) {
      this.#unknown.add(stream);
      this.#handler.onUnknownStream(stream);
    }
    return false;
  }
}
