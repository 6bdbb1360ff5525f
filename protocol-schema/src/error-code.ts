/**
 * The one table of error codes. A code fixes who can help (`failureType`), whether trying again can help (`retry`) and
 * the exit code; the place that throws adds what happened, with real values, and what to do next.
 * `docs/reference/errors.md` is generated from here.
 */

/** Who can help: `config` a person must act, `transient` time, `system` whoever maintains the program. */
export type FailureType = 'config' | 'transient' | 'system';

/** Exit codes of every program and command. */
export const ExitCode = {
  /** Done; skipped streams included. */
  done: 0,
  /** The command line can't be understood, or a file it names can't be read. */
  usage: 2,
  /** Stopped early by a limit or a signal; state is saved and there is more to do. */
  stopped: 10,
  /** Configuration or credentials, or a stream failed by `config`: don't retry. */
  config: 20,
  /** Transient, or a stream failed otherwise: retry. */
  retry: 30,
  /** A connector broke the protocol. */
  protocol: 40,
  /** The state store can't be reached. */
  stateStore: 50,
} as const;

/** One row of the table. */
export interface ErrorCodeRow {
  readonly failureType: FailureType;
  /** `later`: the same call may succeed later without anybody's doing. */
  readonly retry: 'never' | 'later';
  readonly exitCode: number;
  /** What it means, in a sentence, for the reference page. */
  readonly meaning: string;
  /** What the reader of the message can usually do. */
  readonly remedy: string;
}

const config = { failureType: 'config', retry: 'never', exitCode: ExitCode.config } as const;
const transient = { failureType: 'transient', retry: 'later', exitCode: ExitCode.retry } as const;
const system = { failureType: 'system', retry: 'later', exitCode: ExitCode.retry } as const;
const usage = { failureType: 'config', retry: 'never', exitCode: ExitCode.usage } as const;

/** The table: every code there is. */
export const errorCodes = {
  usage: {
    ...usage,
    meaning: 'The command line names an unknown command or flag, or leaves out one that is needed.',
    remedy: 'Run the command with --help.',
  },
  file_unreadable: {
    ...usage,
    meaning: 'A file named on the command line or in a `…_file` key is missing, empty or may not be read.',
    remedy: 'Check the path and its permissions.',
  },
  file_invalid: {
    ...usage,
    meaning: 'A file was read but is not JSON (or YAML, where that is allowed); the message says at which position.',
    remedy: 'Mend the file at the position that is named.',
  },
  output_lost: {
    ...transient,
    meaning: 'What the program prints could not be written, for example because the disk is full.',
    remedy: 'Make room where the output goes, then run again.',
  },
  port_in_use: {
    ...usage,
    meaning: 'Another program listens on the port.',
    remedy: 'Choose another port, or 0 for a free one.',
  },
  config_invalid: {
    ...config,
    meaning: 'The configuration has an unknown key, lacks a needed one, or holds a value of another kind.',
    remedy: 'Use one of the valid keys that the message lists.',
  },
  credentials_refused: {
    ...config,
    meaning: 'The other system refused the key or password.',
    remedy: 'Put a valid key or password into the configuration.',
  },
  permission_missing: {
    ...config,
    meaning: 'The credentials are good, but may not do what is needed.',
    remedy: 'Grant what the message names.',
  },
  stream_unknown: {
    ...config,
    meaning: 'The catalog or the pipeline names a stream that the source does not have.',
    remedy: 'Use a name that `discover` prints.',
  },
  mode_unsupported: {
    ...config,
    meaning: 'The connector does not support the sync mode that the catalog asks for.',
    remedy: 'Choose one of the modes that `spec` lists.',
  },
  state_invalid: {
    ...config,
    meaning: 'The saved state does not fit what the source expects.',
    remedy: 'Start afresh with --reset-state, or give the state that this source wrote.',
  },
  connector_not_found: {
    ...config,
    meaning: 'The program or image of a connector does not exist or can not be started.',
    remedy: 'Check `type`, `command` or `image` in the pipeline.',
  },
  lease_held: {
    ...transient,
    meaning: 'Another engine is running this pipeline.',
    remedy: 'Wait until it ends, or stop it.',
  },
  unreachable: {
    ...transient,
    meaning: 'The other system can not be reached: nothing listens, the name is unknown, or the connection broke.',
    remedy: 'Check host, port and network; then try again.',
  },
  rate_limited: {
    ...transient,
    meaning: 'The other system kept answering that there are too many requests, until the retries were used up.',
    remedy: 'Lower the rate limit, or try again later.',
  },
  upstream_failed: {
    ...transient,
    meaning: 'The other system answered with an error of its own, until the retries were used up.',
    remedy: 'Try again later.',
  },
  timed_out: {
    ...transient,
    meaning: 'Something took longer than its limit.',
    remedy: 'Try again; when it stays, raise the limit that the message names.',
  },
  response_invalid: {
    ...system,
    meaning: 'The other system answered with something other than its documentation says.',
    remedy: 'Check that the base URL is the right one; report it when it is.',
  },
  request_refused: {
    ...system,
    meaning: 'The other system refused a request that should have been valid.',
    remedy: 'Report it with the request id that the message names.',
  },
  record_refused: {
    ...config,
    meaning: 'The destination can not store a record: no primary key, or a value that it has no place for.',
    remedy: 'Mend the record at its source, or skip such records by configuration.',
  },
  records_lost: {
    ...system,
    meaning: 'A checkpoint says that more records came before it than arrived.',
    remedy: 'Run again: the checkpoint was not saved, so the records are read once more.',
  },
  connector_failed: {
    ...transient,
    meaning: 'A connector ended before its work was done.',
    remedy: 'Read what it wrote on stderr, shown with the message; then run again.',
  },
  internal: {
    ...system,
    meaning: 'A defect in the program itself.',
    remedy: 'Report it with the message.',
  },
  line_too_long: {
    failureType: 'system',
    retry: 'never',
    exitCode: ExitCode.protocol,
    meaning: 'A line is longer than the protocol allows.',
    remedy: 'Leave the stream out, or make the record smaller where it comes from.',
  },
  protocol_violated: {
    failureType: 'system',
    retry: 'never',
    exitCode: ExitCode.protocol,
    meaning: 'A connector wrote something else than the protocol allows.',
    remedy: 'Report it to whoever maintains the connector.',
  },
  state_store_unreachable: {
    failureType: 'transient',
    retry: 'later',
    exitCode: ExitCode.stateStore,
    meaning: 'The state could not be read or saved.',
    remedy: 'Check the state database (or file); then run again.',
  },
  stopped: {
    failureType: 'transient',
    retry: 'later',
    exitCode: ExitCode.stopped,
    meaning: 'The run was asked to stop before it was done; what was committed is saved.',
    remedy: 'Run again to go on.',
  },
} as const satisfies Record<string, ErrorCodeRow>;

/** A name in the table of error codes. */
export type ErrorCode = keyof typeof errorCodes;

/** What an error says beyond its code. */
export interface CodedErrorDetail {
  /** What happened, with real values, as a sentence. Never holds a secret (P7). */
  readonly message: string;
  /** What the reader can do next, as a sentence. The table's remedy when absent. */
  readonly remedy?: string;
  /** The error behind it, kept for the log. */
  readonly cause?: unknown;
}

/** What ends with a sentence's end, be it in quotes or brackets. */
const SENTENCE_END = /[.!?\u2026]["'`)\]]*$/;

/** An error whose code is in the table: programs turn it into a message, an exit code and a line on stderr. */
export class CodedError extends Error {
  override readonly name: string = 'CodedError';
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, detail: CodedErrorDetail) {
    super(detail.message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.remedy = detail.remedy ?? errorCodes[code].remedy;
  }

  get failureType(): FailureType {
    return errorCodes[this.code].failureType;
  }

  get exitCode(): number {
    return errorCodes[this.code].exitCode;
  }

  /** Message and remedy in one line, as a user sees them. A message that ends in somebody else's words gets its full stop. */
  get text(): string {
    const isOpen = this.remedy !== '' && !SENTENCE_END.test(this.message);
    return `${this.message}${isOpen ? '.' : ''} ${this.remedy}`;
  }
}

/** Any thrown value as a CodedError: what is not one is a defect of ours (`internal`). */
export function toCodedError(thrown: unknown): CodedError {
  if (thrown instanceof CodedError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new CodedError('internal', { message: `Unexpected error: ${message}`, cause: thrown });
}
