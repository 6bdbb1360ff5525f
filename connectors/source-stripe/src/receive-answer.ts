import type { IncomingHttpHeaders } from 'node:http';
import type { BufferPool } from '@penstock/connector-sdk';
import type { Dispatcher } from 'undici';

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** How an answer is received. */
export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /** For all of it, in milliseconds. */
  readonly timeoutMs: number;
  /** Called before the body comes. */
  readonly onHead: (status: number, headers: IncomingHttpHeaders) => void;
  /** Has the memory of the body. */
  readonly pool?: BufferPool | undefined;
}

/** There was no answer in time. */
export class AnswerTimeoutError extends Error {
  override readonly name = 'AnswerTimeoutError';
}

/** Puts an answer together. Undici's own ways make a stream of each body, which costs more than to read it. */
class Receiver implements Dispatcher.DispatchHandler {
  readonly #received = Promise.withResolvers<Answer>();
  readonly #options: ReceiveOptions;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | undefined;
  #aborted: { readonly reason: Error } | undefined;

  constructor(options: ReceiveOptions) {
    this.#options = options;
  }

  get whenReceived(): Promise<Answer> {
    return this.#received.promise;
  }

  /** Drops the connection, or the request where it wasn't sent yet. Does nothing once the answer is there. */
  abort(reason: Error): void {
    this.#aborted = { reason };
    this.#received.reject(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#aborted === undefined) this.#controller = controller;
    else controller.abort(this.#aborted.reason);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // What comes before an answer, e.g. 103 with hints.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#options.onHead(status, headers);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  onResponseEnd(): void {
    const body = this.#options.pool?.take(this.#bytes) ?? Buffer.allocUnsafe(this.#bytes);
    let at = 0;
    for (const chunk of this.#chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    this.#received.resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#received.reject(error);
  }
}

/**
 * Sends a request and receives the answer to it, of any status.
 *
 * @throws AnswerTimeoutError; the signal's reason when it is aborted, at once; an error of undici or of the network
 */
export async function receiveAnswer(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  options: ReceiveOptions,
): Promise<Answer> {
  const { signal, timeoutMs } = options;
  signal.throwIfAborted();
  const receiver = new Receiver(options);
  const timer = setTimeout(() => receiver.abort(new AnswerTimeoutError()), timeoutMs);
  const stop = (): void => receiver.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    dispatcher.dispatch(request, receiver);
    return await receiver.whenReceived;
  } finally {
    clearTimeout(timer);
    // Nothing of a request may stay with a signal that lives as long as the run.
    signal.removeEventListener('abort', stop);
  }
}
