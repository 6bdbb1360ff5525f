import {
  CodedError,
  type DestinationMessage,
  InvalidLines,
  LineSplitter,
  type LogPayload,
  parseLine,
  showLine,
} from '@penstock/protocol';

/** Where the lines of a destination go. */
export interface DestinationLinesHandler {
  onMessage(message: DestinationMessage): void;
  /** About the lines themselves. */
  onLog(log: LogPayload): void;
}

/** Reads what a destination writes: every line is parsed, and records are refused. */
export class DestinationLines {
  readonly #name: string;
  readonly #handler: DestinationLinesHandler;
  readonly #splitter = new LineSplitter();
  readonly #invalid: InvalidLines;

  /** @param name of the destination, for messages */
  constructor(name: string, handler: DestinationLinesHandler) {
    this.#name = name;
    this.#handler = handler;
    this.#invalid = new InvalidLines(name);
  }

  /** @throws CodedError `line_too_long`, or `protocol_violated` after a record or too many invalid lines */
  push(chunk: Buffer): void {
    this.#splitter.push(chunk, (bytes, start, end) => this.#take(bytes.subarray(start, end)));
  }

  /** To be called when nothing more comes; a last line without its newline counts when the process ended well. */
  end(succeeded: boolean): void {
    const rest = this.#splitter.takeRest();
    if (rest === undefined) return;
    if (succeeded) this.#take(rest);
    else {
      const message = `${this.#name} ended in the middle of line ${this.#splitter.lineNumber}; its ${rest.length} bytes are dropped.`;
      this.#handler.onLog({ level: 'warn', message });
    }
  }

  #take(line: Buffer): void {
    const parsed = parseLine(line);
    if (parsed.kind === 'blank') return;
    if (parsed.kind === 'unknown_type') {
      const message = `${this.#name}: line ${this.#splitter.lineNumber} is of the unknown type "${parsed.type}" and is passed over.`;
      this.#handler.onLog({ level: 'debug', message });
      return;
    }
    if (parsed.kind === 'invalid') {
      this.#handler.onLog(this.#invalid.add(this.#splitter.lineNumber, line, parsed.reason));
      return;
    }
    const { message } = parsed;
    switch (message.type) {
      case 'source_state':
      case 'stream_status':
      case 'write_result':
      case 'log':
      case 'control':
      case 'connection_status':
        this.#handler.onMessage(message);
        return;
      case 'record':
        throw new CodedError('protocol_violated', {
          message: `${this.#name} wrote a record on line ${this.#splitter.lineNumber}, which no destination may: ${showLine(line)}`,
        });
      default: {
        const reason = `a destination does not write ${message.type} messages here`;
        this.#handler.onLog(this.#invalid.add(this.#splitter.lineNumber, line, reason));
      }
    }
  }
}
