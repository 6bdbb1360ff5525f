import type { Writable } from 'node:stream';
import type { CodedError, LogLevel, LogPayload } from '@penstock/protocol';
import { pino } from 'pino';
import type { ConnectorLog, LogDetail } from './connector-log.ts';
import { STDERR_WAITING_BYTES_MAX } from './limit.ts';
import type { SecretScrubber } from './secret-scrubber.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Where the log goes. */
export interface ProgramLogOptions {
  /** `source-stripe` or the like. */
  readonly program: string;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** From which level up stderr gets lines: `LOG_LEVEL`, by default `warn`. */
  readonly stderrLevel: string | undefined;
  readonly scrubber: SecretScrubber;
  /** Writes the `log` message. */
  readonly toOutput: (payload: LogPayload) => void;
}

/**
 * The log of one run of a program: `log` messages on stdout, and from `warn` up JSON lines on stderr, or plain ones when
 * somebody looks at them. Secrets are masked in both.
 */
export class ProgramLog implements ConnectorLog {
  readonly #options: ProgramLogOptions;
  readonly #stderrLevel: LogLevel;
  readonly #logger: pino.Logger;

  constructor(options: ProgramLogOptions) {
    this.#options = options;
    this.#stderrLevel = levels.find((level) => level === options.stderrLevel?.toLowerCase()) ?? 'warn';
    this.#logger = pino(
      { level: 'debug', base: { program: options.program }, timestamp: pino.stdTimeFunctions.isoTime },
      options.stderr,
    );
  }

  debug(message: string, detail?: LogDetail): void {
    this.#say('debug', message, detail);
  }
  info(message: string, detail?: LogDetail): void {
    this.#say('info', message, detail);
  }
  warn(message: string, detail?: LogDetail): void {
    this.#say('warn', message, detail);
  }
  error(message: string, detail?: LogDetail): void {
    this.#say('error', message, detail);
  }

  /** The `log` message of somebody else, passed on to stdout alone. */
  passOn(payload: LogPayload): void {
    this.#options.toOutput(this.#options.scrubber.log(payload));
  }

  /** The one line on stderr that says why the program ends; for a defect, the stack too at debug level. */
  ending(error: CodedError): void {
    const { scrubber, stderr, program } = this.#options;
    const oneLine = scrubber.text(error.text).replace(/\s*[\r\n]+\s*/g, ' ');
    stderr.write(`${program}: ${oneLine}\n`);
    if (this.#stderrLevel !== 'debug') return;
    const cause = error.cause instanceof Error ? error.cause : error;
    stderr.write(`${scrubber.text(cause.stack ?? cause.message)}\n`);
  }

  /** A line for whoever looks at stderr, about the program itself. */
  note(text: string): void {
    this.#options.stderr.write(`${this.#options.program}: ${this.#options.scrubber.text(text)}\n`);
  }

  #say(level: LogLevel, text: string, detail: LogDetail = {}): void {
    const { scrubber, stderr, program, toOutput } = this.#options;
    const payload = scrubber.log({ level, message: text, ...detail });
    toOutput(payload);
    if (levels.indexOf(level) < levels.indexOf(this.#stderrLevel)) return;
    if (stderr.writableLength > STDERR_WAITING_BYTES_MAX) return;
    const { message, level: _, ...rest } = payload;
    if (stderr.isTTY === true) stderr.write(`${program}: ${level}: ${message}\n`);
    else this.#logger[level](rest, message);
  }
}
