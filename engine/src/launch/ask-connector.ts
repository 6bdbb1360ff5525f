import {
  CodedError,
  type ConnectionStatusPayload,
  type ErrorCode,
  ExitCode,
  type FailureType,
  InvalidLines,
  LineSplitter,
  type LogPayload,
  type Message,
  type MessageKind,
  type MessageOf,
  parseLine,
  scrubText,
} from '@penstock/protocol';
import { type ConnectorEnd, describeEnd } from './connector-end.ts';
import {
  CONNECTOR_ANSWER_TIMEOUT_MS,
  CONNECTOR_START_TIMEOUT_MS,
  type Connector,
  GRACEFUL_STOP_TIMEOUT_MS,
  type LaunchRequest,
  type RunningConnector,
} from './launcher.ts';

/** What goes with a question to a connector. */
export interface AskOptions {
  readonly onLog?: (log: LogPayload) => void;
  /** Aborted when the answer is not wanted any more: the connector is killed. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** How long `setup` or `teardown` may take to stop, in milliseconds: less than this process waits before it leaves. */
const COMMAND_STOP_MS = 5_000;

/** How much of a connector's stderr stands in an error message, in lines. The rest is in its log. */
const STDERR_LINES_SHOWN = 5;

/**
 * The last lines of what a connector wrote on stderr, as they follow a message; empty when it wrote nothing.
 *
 * @param what how they are called, where the message is not of this connector alone
 */
export function showStderr(tail: string, what: string = 'Its last words'): string {
  const lines = tail.trim().split('\n').slice(-STDERR_LINES_SHOWN);
  return lines[0] === '' ? '' : ` ${what}: ${lines.join(' | ')}`;
}

/**
 * A connector that could not be started or ended badly, as an error. Its own exit code says who can help, where it is one
 * of the protocol's.
 *
 * @param remedy for an end that says nothing of its reason
 */
export function endError(
  connector: RunningConnector,
  end: ConnectorEnd,
  remedy: string = 'Run again to go on.',
): CodedError {
  const message = `${connector.name} ${describeEnd(end)}.${showStderr(connector.stderrTail())}`;
  if (end.kind === 'never_started') {
    if (end.cause instanceof CodedError) return end.cause;
    return new CodedError('connector_not_found', { message, cause: end.cause });
  }
  if (end.kind === 'lost') {
    const remedy = 'Check that Docker is running, then run again to go on.';
    return new CodedError('unreachable', { message, remedy, cause: end.cause });
  }
  if (end.kind === 'out_of_memory') {
    return new CodedError('connector_failed', { message, remedy: 'Give it more with docker.memory, then run again.' });
  }
  const code = end.kind === 'exited' ? codeOfExit(end.code) : 'connector_failed';
  return new CodedError(code, { message, remedy: code === 'connector_failed' ? remedy : '' });
}

function codeOfExit(exitCode: number): ErrorCode {
  if (exitCode === ExitCode.config || exitCode === ExitCode.usage) return 'config_invalid';
  return exitCode === ExitCode.protocol ? 'protocol_violated' : 'connector_failed';
}

/** The error of a `connection_status: failed`. The connector's message says what to do, so there is no remedy of ours. */
export function connectionError(name: string, message: string | undefined, failureType?: FailureType): CodedError {
  const code: ErrorCode = failureType === 'config' ? 'config_invalid' : 'connector_failed';
  return new CodedError(code, { message: `${name}: ${message ?? 'the connection failed'}`, remedy: '' });
}

/**
 * Runs one command of a connector to its end.
 *
 * @returns the first message of the kind that was asked for
 * @throws CodedError `connector_not_found`, `connector_failed`, `timed_out`, `protocol_violated`, or the failure that the
 *   connector reported in a `connection_status`
 */
export async function askConnector<Kind extends MessageKind>(
  connector: Connector,
  request: LaunchRequest,
  kind: Kind,
  options: AskOptions = {},
): Promise<MessageOf<Kind>> {
  let found: Message | undefined;
  const onMessage = (message: Message): void => {
    if (message.type === kind) found ??= message;
    else if (message.type === 'log') options.onLog?.(message.log);
  };
  const heard = await hearConnector(connector, request, { ...options, onMessage });
  if (heard.stoppedBy === 'caller') throw new CodedError('stopped', { message: `${connector.name} was stopped.` });
  if (found !== undefined) return found as MessageOf<Kind>;
  throwFailure(heard, request, kind);
  const { running, firstInvalid } = heard;
  const rubbish = firstInvalid === undefined ? '' : ` ${scrubText(firstInvalid, request.secrets ?? [])}.`;
  throw new CodedError('protocol_violated', {
    message: `${connector.name} ended without an answer to \`${request.command}\`: no ${kind} message.${rubbish}${showStderr(running.stderrTail())}`,
  });
}

/** What goes with {@link runCommand}. */
export interface CommandOptions extends Omit<AskOptions, 'onLog'> {
  /** The connector says that it has this command: then an exit code for a wrong command line means something else. */
  readonly isSure?: boolean;
}

/** How a command that has no answer ended. */
export type CommandEnd = 'done' | 'unknown_command';

/**
 * Runs a command to its end that has no answer: `setup` or `teardown`. One that is not wanted any more is asked to stop
 * and has some seconds for that, so that it can tell what it has made already.
 *
 * @param onMessage gets what it says meanwhile, whatever becomes of it
 * @returns `unknown_command` when the connector does not have it, as far as its exit code tells
 * @throws CodedError as {@link askConnector}
 */
export async function runCommand(
  connector: Connector,
  request: LaunchRequest,
  onMessage: (message: Message) => void,
  options: CommandOptions = {},
): Promise<CommandEnd> {
  let isSilent = true;
  const listen = (message: Message): void => {
    isSilent = false;
    onMessage(message);
  };
  const { isSure = false, ...rest } = options;
  const heard = await hearConnector(connector, request, { ...rest, onMessage: listen, graceMs: COMMAND_STOP_MS });
  const { end, stoppedBy } = heard;
  const endedWell = end.kind === 'exited' && end.code === ExitCode.done && heard.failed === undefined;
  if (endedWell) return 'done';
  if (stoppedBy === 'caller') throw new CodedError('stopped', { message: `${connector.name} was stopped.` });
  if (end.kind === 'exited' && end.code === ExitCode.usage && isSilent && !isSure) return 'unknown_command';
  throwFailure(heard, request);
  return 'done';
}

/** What was heard of a command beside its messages. */
interface Heard {
  readonly running: RunningConnector;
  readonly end: ConnectorEnd;
  readonly stoppedBy: 'timeout' | 'caller' | undefined;
  /** How long it had. */
  readonly timeoutMs: number;
  /** The first `connection_status: failed`. */
  readonly failed: ConnectionStatusPayload | undefined;
  /** What was wrong with the first line that is no message. */
  readonly firstInvalid: string | undefined;
}

interface HearOptions extends AskOptions {
  readonly onMessage: (message: Message) => void;
  /** How long the command may take to stop when its caller gives up; at once when absent. */
  readonly graceMs?: number;
}

async function hearConnector(connector: Connector, request: LaunchRequest, options: HearOptions): Promise<Heard> {
  const timeoutMs =
    options.timeoutMs ?? (request.command === 'spec' ? CONNECTOR_START_TIMEOUT_MS : CONNECTOR_ANSWER_TIMEOUT_MS);
  const running = await connector.launch(request);
  let stoppedBy: Heard['stoppedBy'];
  const timer = setTimeout(() => {
    stoppedBy = 'timeout';
    running.stop(GRACEFUL_STOP_TIMEOUT_MS);
  }, timeoutMs);
  const onAbort = (): void => {
    stoppedBy = 'caller';
    if (options.graceMs === undefined) running.kill();
    else running.stop(options.graceMs);
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  try {
    running.stdin.end();
    const lines = readMessages(running, options);
    const end = await running.ended;
    lines.finish(end);
    if (lines.violation !== undefined) throw scrubbed(lines.violation, request.secrets);
    return { running, end, stoppedBy, timeoutMs, failed: lines.failed, firstInvalid: lines.firstInvalid };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** @throws CodedError when the command ran out of time, reported a failure, or ended badly */
function throwFailure(
  { running, end, stoppedBy, failed, timeoutMs }: Heard,
  { command }: LaunchRequest,
  kind?: MessageKind,
): void {
  if (stoppedBy === 'timeout') {
    const what = kind === undefined ? `end \`${command}\`` : `answer \`${command}\``;
    throw new CodedError('timed_out', { message: `${running.name} did not ${what} within ${timeoutMs / 1000} s.` });
  }
  if (failed !== undefined) throw connectionError(running.name, failed.message, failed.failure_type);
  if (end.kind !== 'exited' || end.code !== ExitCode.done) {
    throw endError(running, end, command === 'spec' ? 'Check that it is a connector.' : 'Run again.');
  }
}

/** An error that shows what a connector wrote, which can be its config. */
function scrubbed(error: unknown, secrets: readonly string[] = []): unknown {
  if (!(error instanceof CodedError)) return error;
  const { code, message, remedy } = error;
  return new CodedError(code, { message: scrubText(message, secrets), remedy, cause: error });
}

/** Reads the messages of a short command while it runs. */
function readMessages(running: RunningConnector, { onMessage, onLog }: HearOptions) {
  const splitter = new LineSplitter();
  const invalid = new InvalidLines(running.name);
  const lines = {
    violation: undefined as unknown,
    failed: undefined as Heard['failed'],
    firstInvalid: undefined as Heard['firstInvalid'],
    /** The last line may lack its newline when the process ended well. */
    finish: (end: ConnectorEnd) => {
      const rest = splitter.takeRest();
      if (rest !== undefined && end.kind === 'exited' && end.code === 0) take(rest);
    },
  };
  const take = (line: Buffer): void => {
    const parsed = parseLine(line);
    if (parsed.kind === 'invalid') {
      const log = invalid.add(splitter.lineNumber, line, parsed.reason);
      lines.firstInvalid ??= log.message;
      onLog?.(log);
    }
    if (parsed.kind !== 'message') return;
    const { message } = parsed;
    if (message.type === 'connection_status' && message.connection_status.status === 'failed') {
      lines.failed ??= message.connection_status;
    }
    onMessage(message);
  };
  running.stdout.on('data', (chunk: Buffer) => {
    if (lines.violation !== undefined) return;
    try {
      splitter.push(chunk, (bytes, start, end) => take(bytes.subarray(start, end)));
    } catch (error) {
      lines.violation = error;
      running.kill();
    }
  });
  return lines;
}
