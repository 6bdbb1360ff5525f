import { CodedError } from '@penstock/protocol';
import type Docker from 'dockerode';

/** Where Docker is, for messages: what DOCKER_HOST says, or the usual socket. */
export function dockerAddress(docker: Docker): string {
  const { host, port, socketPath, socketPathCache } = docker.modem as {
    readonly host?: unknown;
    readonly port?: unknown;
    readonly socketPath?: unknown;
    readonly socketPathCache?: unknown;
  };
  if (typeof host === 'string') return port === undefined || port === '' ? host : `${host}:${String(port)}`;
  // Which of the usual places it is has been found out by the first call.
  const path = [socketPath, socketPathCache].find((each) => typeof each === 'string');
  return path ?? '/var/run/docker.sock';
}

/** What the Docker Engine, or the way to it, answers with in place of a result. */
interface EngineFailure extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly json?: unknown;
}

/** The HTTP status of a refusal; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return (error as EngineFailure | undefined)?.statusCode;
}

/** What the Engine said, without what the client puts around it. */
export function reasonOf(error: unknown): string {
  const { json, message } = error as EngineFailure;
  const said = (json as { message?: unknown } | undefined)?.message;
  const text = typeof said === 'string' ? said : String(message).replace(/^\(HTTP code \d+\) [^-]*- /, '');
  return text.trim().replace(/\.$/, '');
}

const noAnswerCodes: readonly string[] = [
  ...['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTSOCK'],
];

/** Whether nothing listens, or the connection broke. */
function isUnreachable(error: unknown): boolean {
  return statusOf(error) === undefined && noAnswerCodes.includes((error as EngineFailure).code ?? '');
}

/** Whether the answer took too long. What ends such a call is an abort, with the reason as its cause. */
function isTimeout(error: unknown): boolean {
  const { name, cause } = error as Error;
  return name === 'TimeoutError' || (cause instanceof Error && cause.name === 'TimeoutError');
}

/**
 * A failed call to the Docker Engine as an error of ours.
 *
 * @param what was attempted, for the message: `source/stripe`, or `The image x`
 */
export function dockerError(what: string, address: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const { code } = error as EngineFailure;
  if (code === 'EACCES' || code === 'EPERM') {
    return new CodedError('permission_missing', {
      message: `Docker's socket ${address} may not be used by this user.`,
      remedy:
        'Add the user to the group that owns the socket; for an engine in a container: docker run --group-add $(stat -c %g /var/run/docker.sock).',
      cause: error,
    });
  }
  if (isUnreachable(error)) {
    return new CodedError('unreachable', {
      message: `Docker can't be reached at ${address}: ${reasonOf(error)}.`,
      remedy:
        code === 'ENOENT'
          ? 'Start it, or set DOCKER_HOST; an engine in a container needs the socket: docker run -v /var/run/docker.sock:/var/run/docker.sock --group-add $(stat -c %g /var/run/docker.sock).'
          : 'Start it, or set DOCKER_HOST.',
      cause: error,
    });
  }
  if (isTimeout(error)) {
    return new CodedError('unreachable', {
      message: `${what}: Docker at ${address} has not answered in time.`,
      remedy: 'Look at what keeps it busy (its log, the disk), or start it anew; then run again.',
      cause: error,
    });
  }
  const reason = reasonOf(error);
  const network = /network (\S+) not found/.exec(reason)?.[1];
  if (network !== undefined) {
    return new CodedError('config_invalid', {
      message: `${what}: Docker has no network "${network}".`,
      remedy: '`docker network ls` lists those that it has; set docker.network.',
      cause: error,
    });
  }
  if (/no command specified/i.test(reason)) {
    return new CodedError('connector_not_found', {
      message: `${what}: its image has no entrypoint, so it is no connector.`,
      remedy: "Give the image an ENTRYPOINT that starts the connector's program.",
      cause: error,
    });
  }
  const status = statusOf(error) ?? 0;
  const program = /exec: .*(?:executable file not found|no such file|permission denied|exec format error).*/i.exec(
    reason,
  );
  if (program !== null) {
    return new CodedError('connector_not_found', {
      // What stands before it is which part of Docker told which.
      message: `${what}: the program of its image can't be started: ${program[0].replace(/: unknown$/, '')}.`,
      remedy: 'Check the ENTRYPOINT of the image.',
      cause: error,
    });
  }
  if (status >= 400 && status < 500) {
    return new CodedError('config_invalid', {
      message: `${what}: Docker refused: ${reason}.`,
      remedy: '',
      cause: error,
    });
  }
  return new CodedError('connector_failed', {
    message: `${what}: Docker failed: ${reason}.`,
    remedy: "Docker's log says more. Run again to go on.",
    cause: error,
  });
}
