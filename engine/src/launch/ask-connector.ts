import {
  CodedError,
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

/** How much of a connector's stderr stands in an error message, in lines. The rest is in its log. */
const STDERR_LINES_SHOWN = 5;

/** The last lines of what a connector wrote on stderr, as they follow a message; empty when it wrote nothing. */
export function showStderr(tail: string): string {
  const lines = tail.trim().split('\n').slice(-STDERR_LINES_SHOWN);
  return lines[0] === '' ? '' : ` Its last words: ${lines.join(' | ')}`;
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
  const timeoutMs =
    options.timeoutMs ?? (request.command === 'spec' ? CONNECTOR_START_TIMEOUT_MS : CONNECTOR_ANSWER_TIMEOUT_MS);
  const running = await connector.launch(request);
  let stoppedBy: 'timeout' | 'caller' | undefined;
  const timer = setTimeout(() => {
    stoppedBy = 'timeout';
    running.stop(GRACEFUL_STOP_TIMEOUT_MS);
  }, timeoutMs);
  const onAbort = (): void => {
    stoppedBy = 'caller';
    running.kill();
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });
  if (options.signal?.aborted) onAbort();
  try {
    running.stdin.end();
    const answer = readAnswer(running, kind, options.onLog);
    const end = await running.ended;
    answer.finish(end);
    const found = answer.found();
    if (answer.violation !== undefined) throw scrubbed(answer.violation, request.secrets);
    if (stoppedBy === 'caller') throw new CodedError('stopped', { message: `${connector.name} was stopped.` });
    if (stoppedBy === 'timeout' && found === undefined) {
      throw new CodedError('timed_out', {
        message: `${connector.name} did not answer \`${request.command}\` within ${timeoutMs / 1000} s.`,
      });
    }
    if (found !== undefined) return found;
    const failed = answer.connectionFailure();
    if (failed !== undefined) throw connectionError(connector.name, failed.message, failed.failure_type);
    if (end.kind !== 'exited' || end.code !== 0) {
      throw endError(running, end, request.command === 'spec' ? 'Check that it is a connector.' : 'Run again.');
    }
    const rubbish =
      answer.firstInvalid === undefined ? '' : ` ${scrubText(answer.firstInvalid, request.secrets ?? [])}.`;
    throw new CodedError('protocol_violated', {
      message: `${connector.name} ended without an answer to \`${request.command}\`: no ${kind} message.${rubbish}${showStderr(running.stderrTail())}`,
    });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** An error that shows what a connector wrote, which can be its config. */
function scrubbed(error: unknown, secrets: readonly string[] = []): unknown {
  if (!(error instanceof CodedError)) return error;
  const { code, message, remedy } = error;
  return new CodedError(code, { message: scrubText(message, secrets), remedy, cause: error });
}

/** Collects the messages of a short command while it runs. */
function readAnswer<Kind extends MessageKind>(
  running: RunningConnector,
  kind: Kind,
  onLog: ((log: LogPayload) => void) | undefined,
) {
  const splitter = new LineSplitter();
  const invalid = new InvalidLines(running.name);
  let found: Message | undefined;
  let status: MessageOf<'connection_status'> | undefined;
  const answer = {
    violation: undefined as unknown,
    /** What was wrong with the first line that is no message. */
    firstInvalid: undefined as string | undefined,
    found: () => found as MessageOf<Kind> | undefined,
    connectionFailure: () => (status?.connection_status.status === 'failed' ? status.connection_status : undefined),
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
      answer.firstInvalid ??= log.message;
      onLog?.(log);
    }
    if (parsed.kind !== 'message') return;
    if (parsed.message.type === kind) found ??= parsed.message;
    else if (parsed.message.type === 'connection_status') status ??= parsed.message;
    else if (parsed.message.type === 'log') onLog?.(parsed.message.log);
  };
  running.stdout.on('data', (chunk: Buffer) => {
    if (answer.violation !== undefined) return;
    try {
      splitter.push(chunk, (bytes, start, end) => take(bytes.subarray(start, end)));
    } catch (error) {
      answer.violation = error;
      running.kill();
    }
  });
  return answer;
}
