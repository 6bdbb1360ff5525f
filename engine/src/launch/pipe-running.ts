import type { Socket } from 'node:net';
import { join } from 'node:path';
import { CodedError, isNamedPipe, openNamedPipe } from '@penstock/protocol';
import type { ConnectorEnd } from './connector-end.ts';
import { KillTimer } from './kill-timer.ts';
import { CONNECTOR_START_TIMEOUT_MS, type LaunchRequest, type RunningConnector } from './launcher.ts';
import type { ConnectorPipes } from './pipe.ts';

/** What a connector that has been started by somebody else is told to do. */
export interface JoinRequest extends Pick<LaunchRequest, 'catalog' | 'state' | 'signal' | 'startTimeoutMs'> {
  readonly command: 'read' | 'write';
}

/**
 * Takes the engine's ends of a connector's pipes. Catalog and state are handed over whenever the connector asks for them;
 * one that is undefined is closed without a word.
 *
 * @throws CodedError `connector_not_found` when a pipe is missing, `timed_out` when the connector doesn't open its ends,
 *   `stopped`
 */
export async function joinPipes(pipes: ConnectorPipes, request: JoinRequest): Promise<RunningConnector> {
  const { name, folder } = pipes;
  const at = (pipe: string): string => join(folder, pipe);
  const handed = request.command === 'read' ? (['catalog', 'state'] as const) : (['catalog'] as const);
  await requirePipes(name, [...handed, 'input', 'output'].map(at));

  const over = new AbortController();
  for (const pipe of handed) void handOver(at(pipe), request[pipe], over.signal);
  const given = new AbortController();
  const signal = AbortSignal.any([given.signal, ...(request.signal === undefined ? [] : [request.signal])]);
  const wait = { timeoutMs: request.startTimeoutMs ?? CONNECTOR_START_TIMEOUT_MS, signal };
  const open = async (pipe: 'input' | 'output'): Promise<Socket> => {
    try {
      return await openNamedPipe(at(pipe), pipe === 'input' ? 'write' : 'read', wait);
    } catch (cause) {
      // Neither is of use without the other.
      given.abort();
      throw openError(name, pipe, at(pipe), cause as NodeJS.ErrnoException);
    }
  };
  // Side by side: in which order the connector opens its ends is not known.
  const [input, output] = await Promise.allSettled([open('input'), open('output')]);
  if (input.status === 'fulfilled' && output.status === 'fulfilled') {
    return new JoinedConnector(name, input.value, output.value, over);
  }
  over.abort();
  const failures = [input, output].flatMap((opened) => (opened.status === 'rejected' ? [opened.reason as Error] : []));
  for (const opened of [input, output]) if (opened.status === 'fulfilled') opened.value.destroy();
  // The other one was given up because of the first.
  throw failures.find((error) => error instanceof CodedError && error.code !== 'stopped') ?? failures[0];
}

async function requirePipes(name: string, paths: readonly string[]): Promise<void> {
  const found = await Promise.all(paths.map(isNamedPipe));
  const missing = paths.filter((_path, i) => !found[i]);
  if (missing.length === 0) return;
  throw new CodedError('connector_not_found', {
    message: `${name}: ${missing.join(', ')} ${missing.length === 1 ? 'is not a named pipe' : 'are not named pipes'}.`,
    remedy:
      'They have to be made before the connector and the engine start, in a pod by an init container: mkfifo PATH….',
  });
}

function openError(name: string, pipe: 'input' | 'output', path: string, cause: NodeJS.ErrnoException): CodedError {
  if (cause.code === 'ABORT_ERR') return new CodedError('stopped', { message: `${name} was stopped.`, cause });
  const message = `${name}: ${path}: ${cause.message}.`;
  if (cause.code !== 'ETIMEDOUT') return new CodedError('connector_not_found', { message, cause });
  return new CodedError('timed_out', {
    message,
    remedy: `Does it run, with --${pipe} ${path}? The log of its container tells. --start-timeout gives it longer.`,
  });
}

/** Waits for as long as the connector lives: one that has its catalog from elsewhere never asks for this one. */
async function handOver(path: string, value: unknown, signal: AbortSignal): Promise<void> {
  try {
    const pipe = await openNamedPipe(path, 'write', { timeoutMs: Number.POSITIVE_INFINITY, signal });
    signal.addEventListener('abort', () => pipe.destroy(), { once: true });
    // A reader that leaves has ended; its output tells.
    pipe.on('error', () => undefined);
    pipe.end(value === undefined ? '' : JSON.stringify(value));
  } catch {
    // It ended without asking, or the pipe is gone: that shows in its output.
  }
}

/** Known by its pipes alone: how the process at their other ends is, or ended, can't be seen from here. */
class JoinedConnector implements RunningConnector {
  readonly name: string;
  readonly stdin: Socket;
  readonly stdout: Socket;
  readonly ended: Promise<ConnectorEnd>;
  readonly #killTimer = new KillTimer(() => this.kill());

  /** @param over aborted at the end */
  constructor(name: string, input: Socket, output: Socket, over: AbortController) {
    this.name = name;
    this.stdin = input;
    this.stdout = output;
    // EPIPE after the reader has left is no news: `ended` tells.
    input.on('error', () => undefined);
    output.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      output.once('close', () => {
        this.#killTimer.clear();
        over.abort();
        input.destroy();
        resolve({ kind: 'closed' });
      });
    });
  }

  stderrTail(): string {
    return '';
  }

  /** The end of its input is what it sees: a source was told to take that for a request to stop, a destination does. */
  stop(graceMs: number): void {
    if (this.stdout.closed) return;
    this.stdin.end();
    this.#killTimer.limit(graceMs);
  }

  kill(): void {
    this.stdin.destroy();
    this.stdout.destroy();
  }
}
