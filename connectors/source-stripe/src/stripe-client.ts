import {
  type Clock,
  ConnectorError,
  type ConnectorLog,
  defaultRetryPolicy,
  type RetryAdvice,
  withRetries,
} from '@penstock/connector-sdk';
import { Agent, type Dispatcher, EnvHttpProxyAgent, errors, request } from 'undici';
import { PAUSE_MAX_MS, type RateLimit } from './rate-limit.ts';
import { StripeResponseError } from './stripe-error.ts';

/** How long one request may take, answer included. */
export const REQUEST_TIMEOUT_MS = 80_000;
/** Retries of a request that are not worth a warning. */
const QUIET_RETRIES = 2;
/** Largest answer that is taken (64 MiB): a page of 100 objects is far below 10. */
export const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;

/** An answer of Stripe with status 200. */
export interface StripeResponse {
  readonly body: Buffer;
  /** Stripe's own time in seconds since 1970, from its `Date` header; undefined without one. */
  readonly date: number | undefined;
}

/** What a client needs. */
export interface StripeClientOptions {
  readonly apiKey: string;
  readonly apiVersion: string;
  /** Without a slash at its end; may have a path. */
  readonly baseUrl: string;
  readonly rateLimit: RateLimit;
  readonly clock: Clock;
  readonly log: ConnectorLog;
  /** Connections at once. */
  readonly connections: number;
  /** Between 0 and 1; for the jitter of retries. */
  readonly random: () => number;
  readonly timeoutMs?: number;
}

/** How long `Retry-After` asks to wait: seconds or an HTTP date, capped; undefined when it is absent or unreadable. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(PAUSE_MAX_MS, Math.max(0, ms));
}

function isLoopback(baseUrl: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(baseUrl).hostname);
}

/** Connections to the API, through the proxy of the environment where there is one. */
function dispatcherFor({ baseUrl, connections }: StripeClientOptions): Dispatcher {
  // One request a connection, so HTTP/2 would bring nothing.
  const agent = { connections, pipelining: 1, maxResponseSize: RESPONSE_BYTES_MAX, allowH2: false };
  if (isLoopback(baseUrl)) return new Agent(agent);
  try {
    return new EnvHttpProxyAgent(agent);
  } catch (cause) {
    // Its value may hold a password.
    const message = 'The environment names a proxy that is not a URL.';
    throw new ConnectorError('config_invalid', { message, remedy: 'Correct HTTP_PROXY and HTTPS_PROXY.', cause });
  }
}

function headerOf(headers: Record<string, string | string[] | undefined>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function secondsOf(date: string | undefined): number | undefined {
  const ms = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

/** Whether and when a failed request is tried again. */
function adviseRetry(error: unknown): RetryAdvice {
  if (error instanceof StripeResponseError) {
    if (!error.mayRetry) return undefined;
    return error.retryAfterMs === undefined ? {} : { notBeforeMs: error.retryAfterMs };
  }
  return error instanceof ConnectorError && error.code === 'response_invalid' ? undefined : {};
}

/** What reading needs of a client. */
export type StripeReader = Pick<StripeClient, 'get' | 'now'>;

/** Makes GET requests to Stripe: within the rate, with a timeout, tried again where that can help. */
export class StripeClient {
  readonly #options: StripeClientOptions;
  readonly #dispatcher: Dispatcher;
  readonly #timeoutMs: number;
  /** Stripe's time less ours, in seconds, from the last answer that had one, errors included. */
  #clockOffset = 0;

  constructor(options: StripeClientOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#dispatcher = dispatcherFor(options);
  }

  /** Stripe's clock in seconds since 1970; our own before the first answer. */
  now(): number {
    return Math.floor(this.#options.clock.now() / 1000) + this.#clockOffset;
  }

  /**
   * @param path with its query, from `/v1` or `/v2` on
   * @param retriesMax fewer than usual where somebody waits for the answer
   * @throws StripeResponseError for an answer other than 200; ConnectorError `unreachable` or `timed_out` when there was
   * none; the signal's reason when it is aborted, at once
   */
  get(path: string, signal: AbortSignal, retriesMax = defaultRetryPolicy.retriesMax): Promise<StripeResponse> {
    const { clock, random, log } = this.#options;
    return withRetries(() => this.#attempt(path, signal), {
      advise: adviseRetry,
      policy: { ...defaultRetryPolicy, retriesMax },
      signal,
      clock,
      random,
      onRetry: (error, retry, delayMs) => {
        const text = `Retry ${retry} of ${retriesMax} in ${Math.round(delayMs)} ms. ${(error as Error).message}`;
        // One or two are everyday life.
        if (retry > QUIET_RETRIES) log.warn(text);
        else log.debug(text);
      },
    });
  }

  async #attempt(path: string, signal: AbortSignal): Promise<StripeResponse> {
    const { apiKey, apiVersion, baseUrl, clock, rateLimit } = this.#options;
    // A retry takes a token too.
    await rateLimit.take(signal);
    const plainPath = path.replace(/\?.*/s, '');
    const abort = new AbortController();
    const stop = (): void => abort.abort(signal.reason);
    const timer = setTimeout(() => abort.abort(), this.#timeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      const { statusCode, headers, body } = await request(`${baseUrl}${path}`, {
        dispatcher: this.#dispatcher,
        headers: { authorization: `Bearer ${apiKey}`, 'stripe-version': apiVersion, accept: 'application/json' },
        signal: abort.signal,
      });
      const bytes = Buffer.from(await body.arrayBuffer());
      const date = secondsOf(headerOf(headers, 'date'));
      if (date !== undefined) this.#clockOffset = date - Math.floor(clock.now() / 1000);
      if (statusCode === 200) return { body: bytes, date };
      const waitMs = retryAfterMs(headerOf(headers, 'retry-after'), clock.now());
      if (statusCode === 429) rateLimit.slowDown(waitMs ?? 0);
      const advice = headerOf(headers, 'stripe-should-retry');
      throw new StripeResponseError(plainPath, statusCode, bytes, {
        requestId: headerOf(headers, 'request-id'),
        retryAfterMs: waitMs,
        shouldRetry: advice === undefined ? undefined : advice === 'true',
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof StripeResponseError ? error : this.#noAnswer(plainPath, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  #noAnswer(path: string, error: unknown): ConnectorError {
    const { host } = new URL(this.#options.baseUrl);
    if (error instanceof errors.ResponseExceededMaxSizeError) {
      const message = `GET ${path} at ${host} answered more than ${RESPONSE_BYTES_MAX / 1024 / 1024} MiB.`;
      return new ConnectorError('response_invalid', { message, cause: error });
    }
    const isTimeout =
      (error instanceof Error && error.name === 'AbortError') ||
      error instanceof errors.ConnectTimeoutError ||
      error instanceof errors.HeadersTimeoutError ||
      error instanceof errors.BodyTimeoutError;
    if (isTimeout) {
      const message = `GET ${path} at ${host} had no answer within ${this.#timeoutMs / 1000} s.`;
      return new ConnectorError('timed_out', { message, cause: error });
    }
    const { code, message: text } = error as { code?: string; message?: string };
    const message = `GET ${path} at ${host} got no answer: ${code ?? text}.`;
    return new ConnectorError('unreachable', { message, cause: error });
  }

  /** Drops all connections at once. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }
}
