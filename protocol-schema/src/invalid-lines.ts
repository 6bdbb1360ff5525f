import { CodedError } from './error-code.ts';
import { INVALID_LINE_SHOWN_BYTES, INVALID_LINES_MAX } from './limit.ts';
import type { LogPayload } from './spec.ts';

// Control characters, line and paragraph separators, and what reverses the direction of a terminal's text.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

/** An invalid line's beginning as printable text, on one line: what can't be shown, and broken UTF-8, is replaced. */
export function showLine(line: Buffer): string {
  const shown = line.toString('utf8', 0, INVALID_LINE_SHOWN_BYTES).replace(UNPRINTABLE, '\u{fffd}');
  return line.length > INVALID_LINE_SHOWN_BYTES ? `${shown}… (${line.length} bytes)` : shown;
}

/**
 * Counts lines that are no message. Each is a warning; too many mean that the other side speaks something else, and
 * going on would only hide that.
 */
export class InvalidLines {
  readonly #from: string;
  readonly #max: number;
  #count = 0;

  /**
   * @param from who wrote the lines, for the messages, e.g. `source/stripe`
   * @param max how many are passed over
   */
  constructor(from: string, max: number = INVALID_LINES_MAX) {
    this.#from = from;
    this.#max = max;
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /**
   * @param lineNumber 1 is the first
   * @returns the warning to log
   * @throws CodedError `protocol_violated` when it is one too many
   */
  add(lineNumber: number, line: Buffer, reason: string): LogPayload {
    this.#count += 1;
    if (this.#count > this.#max) {
      throw new CodedError('protocol_violated', {
        message: `${this.#from} wrote ${this.#count} lines that are no messages, the last one at line ${lineNumber}: ${showLine(line)}`,
      });
    }
    return {
      level: 'warn',
      message: `${this.#from}: line ${lineNumber} is not a message (${reason}): ${showLine(line)}`,
      data: { line_number: lineNumber, invalid_lines: this.#count },
    };
  }
}
