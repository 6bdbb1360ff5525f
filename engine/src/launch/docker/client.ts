import type { Duplex } from 'node:stream';
import { CodedError } from '@penstock/protocol';
import Docker from 'dockerode';

/** How long the Engine may take to answer what needs no waiting: a machine under load takes seconds to make a container. */
export const DOCKER_CALL_TIMEOUT_MS = 60_000;

/**
 * The Engine that DOCKER_HOST names, or that of this machine. Nothing is sent yet.
 *
 * @throws CodedError `config_invalid` for a DOCKER_HOST that is no address
 */
export function connectDocker(options?: Docker.DockerOptions): Docker {
  try {
    return new Docker(options);
  } catch (cause) {
    throw new CodedError('config_invalid', {
      message: `DOCKER_HOST can't be used: ${(cause as Error).message}.`,
      remedy: 'Give it as unix:///PATH or tcp://HOST:PORT.',
      cause,
    });
  }
}

/** The option that bounds a call. */
export function within(timeoutMs: number = DOCKER_CALL_TIMEOUT_MS): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(timeoutMs) };
}

/**
 * Begins a call whose answer stays open. Only the beginning is limited: a signal given to the call itself would end the
 * answer later.
 *
 * @throws what the call throws, or a `TimeoutError` as its cause
 */
export function openStream<Answer>(
  docker: Docker,
  call: Omit<Parameters<Docker['modem']['dial']>[0], 'abortSignal'>,
  timeoutMs: number = DOCKER_CALL_TIMEOUT_MS,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new DOMException('no answer in time', 'TimeoutError')), timeoutMs);
    docker.modem.dial({ ...call, isStream: true, abortSignal: limit.signal }, (error: unknown, answer: unknown) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(answer as Answer);
    });
  });
}

/**
 * Opens a connection for one stream of a container that has not been started yet. It is a plain socket: the way to the
 * container can be closed alone.
 *
 * Not `container.attach`: that sends its options as a request body too, and what of it arrives late becomes the
 * container's input.
 */
export function attach(docker: Docker, id: string, stream: 'stdin' | 'stdout' | 'stderr'): Promise<Duplex> {
  return openStream(docker, {
    path: `/containers/${id}/attach?`,
    method: 'POST',
    file: Buffer.alloc(0),
    hijack: true,
    options: { _query: { stream: true, [stream]: true }, _body: {} },
    statusCodes: { 101: true, 404: 'no such container', 409: 'container is paused', 500: 'server error' },
  });
}
