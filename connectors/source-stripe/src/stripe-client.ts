import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  type BufferPool,
  type Clock,
  ConnectorError,
  type ConnectorLog,
  defaultRetryPolicy,
  type RetryAdvice,
  withRetries,
} from '@penstock/connector-sdk';
import type { Dispatcher } from 'undici';
import errors from 'undici/lib/core/errors.js';
import { dispatcherFor, RESPONSE_BYTES_MAX } from './dispatcher.ts';
import { Latency } from './latency.ts';
import type { Grant, Permit, RateLimit } from './rate-limit.ts';
import { type Answer, AnswerTimeoutError, receiveAnswer } from './receive-answer.ts';
import { headerOf, retryAfterMs, secondsOf } from './response-headers.ts';
import { StripeResponseError } from './stripe-error.ts';

export type { Permit } from './rate-limit.ts';

/** How long one request may take, answer included. */
export const REQUEST_TIMEOUT_MS = 80_000;
/** Retries of a request that are not worth a warning. */
const QUIET_RETRIES = 2;

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

/** What is asked of Stripe. */
export interface StripeRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With its query, from `/v1` or `/v2` on. */
  readonly path: string;
  /** Parameters of a POST, as Stripe writes them: `metadata[key]`, `enabled_events[]`. */
  readonly form?: Readonly<Record<string, string>>;
}

/** How a request is made. */
export interface RequestOptions {
  /** For the first try; its token is given back where it isn't needed. Without one the request waits for its own. */
  readonly permit?: Permit | undefined;
  /** Fewer than usual where somebody waits for the answer. */
  readonly retriesMax?: number | undefined;
  /** Has the memory of the body, for whoever gives it back there. */
  readonly pool?: BufferPool | undefined;
}

/** What a client has done so far. */
export interface RequestCounts {
  /** Sent, retries included. */
  readonly requests: number;
  readonly retries: number;
  /** Answers with status 429. */
  readonly tooManyRequests: number;
}

/** What reading needs of a client. */
export type StripeReader = Pick<StripeClient, 'get' | 'now' | 'whenAllowed' | 'latencyMs'>;

/** Whether and when a failed request is tried again. */
function adviseRetry(error: unknown): RetryAdvice {
  if (error instanceof StripeResponseError) {
    if (!error.mayRetry) return undefined;
    return error.retryAfterMs === undefined ? {} : { notBeforeMs: error.retryAfterMs };
  }
  return error instanceof ConnectorError && error.code === 'response_invalid' ? undefined : {};
}

/** Makes requests to Stripe: within the rate, with a timeout, tried again where that can help. */
export class StripeClient {
  readonly #options: StripeClientOptions;
  readonly #dispatcher: Dispatcher;
  readonly #timeoutMs: number;
  readonly #latency = new Latency();
  /** Permits that were not used yet. */
  readonly #grants = new WeakMap<Permit, Grant>();
  /** Stripe's time less ours, in seconds, from the last answer that had one, errors included. */
  #clockOffset = 0;
  #requests = 0;
  #retries = 0;
  #tooManyRequests = 0;

  constructor(options: StripeClientOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#dispatcher = dispatcherFor(options.baseUrl, options.connections);
  }

  /** Stripe's clock in seconds since 1970; our own before the first answer. */
  now(): number {
    return Math.floor(this.#options.clock.now() / 1000) + this.#clockOffset;
  }

  /** How long a request takes from having its token to its body, in milliseconds; undefined before the first success. */
  get latencyMs(): number | undefined {
    return this.#latency.ms;
  }

  /** What was done so far. */
  get counts(): RequestCounts {
    return { requests: this.#requests, retries: this.#retries, tooManyRequests: this.#tooManyRequests };
  }

  /**
   * Waits until one request may be made, so that what to ask can be chosen as late as possible. Whoever has the permit uses
   * it for a request or gives it back, soon.
   *
   * @throws the signal's reason when it is aborted, at once
   */
  async whenAllowed(signal: AbortSignal): Promise<Permit> {
    const grant = await this.#options.rateLimit.take(signal);
    this.#grants.set(grant, grant);
    return grant;
  }

  /** {@link request} for a GET. @param path with its query, from `/v1` or `/v2` on */
  get(path: string, signal: AbortSignal, options: RequestOptions = {}): Promise<StripeResponse> {
    return this.request({ method: 'GET', path }, signal, options);
  }

  /**
   * Makes a request, and tries it again. A POST has an idempotency key, the same for all tries, so that Stripe does it once;
   * a DELETE that had no answer may be answered with 404 when it is tried again.
   *
   * @throws StripeResponseError for an answer other than 200; ConnectorError `unreachable` or `timed_out` when there was
   * none; the signal's reason when it is aborted, at once
   */
  async request(
    asked: StripeRequest,
    signal: AbortSignal,
    { permit, retriesMax = defaultRetryPolicy.retriesMax, pool }: RequestOptions = {},
  ): Promise<StripeResponse> {
    const { clock, random, log, rateLimit } = this.#options;
    const headers = this.#headersOf(asked);
    const first = permit && this.#grants.get(permit);
    assert(permit === undefined || first !== undefined, 'the permit is not of this client, or was used before');
    if (permit !== undefined) this.#grants.delete(permit);
    const tryOnce = async (tryNumber: number): Promise<StripeResponse> => {
      // A retry takes a token too.
      const grant = tryNumber === 0 && first !== undefined ? first : await rateLimit.take(signal);
      return this.#attempt(asked, headers, grant, signal, pool);
    };
    try {
      return await withRetries(tryOnce, {
        advise: adviseRetry,
        policy: { ...defaultRetryPolicy, retriesMax },
        signal,
        clock,
        random,
        onRetry: (error, retry, delayMs) => {
          this.#retries++;
          const text = `Retry ${retry} of ${retriesMax} in ${Math.round(delayMs)} ms. ${(error as Error).message}`;
          const status = error instanceof StripeResponseError ? { http_status: error.status } : {};
          const data = { retry_in_ms: Math.round(delayMs), attempt: retry, ...status };
          // One or two are everyday life.
          if (retry > QUIET_RETRIES) log.warn(text, { data });
          else log.debug(text, { data });
        },
      });
    } finally {
      // Does something only where an abort came before the first try.
      permit?.giveBack();
    }
  }

  #headersOf({ method, form }: StripeRequest): Record<string, string> {
    const { apiKey, apiVersion } = this.#options;
    return {
      authorization: `Bearer ${apiKey}`,
      'stripe-version': apiVersion,
      accept: 'application/json',
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
    };
  }

  async #attempt(
    asked: StripeRequest,
    headers: Record<string, string>,
    grant: Grant,
    signal: AbortSignal,
    pool: BufferPool | undefined,
  ): Promise<StripeResponse> {
    const { clock } = this.#options;
    const startedAt = clock.now();
    try {
      signal.throwIfAborted();
      this.#requests++;
      const answer = await this.#exchange(asked, headers, grant, signal, pool);
      this.#latency.add(clock.now() - startedAt);
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof StripeResponseError ? error : this.#noAnswer(asked, error);
    } finally {
      grant.answered();
    }
  }

  async #exchange(
    { method, path, form }: StripeRequest,
    headers: Record<string, string>,
    grant: Grant,
    signal: AbortSignal,
    pool: BufferPool | undefined,
  ): Promise<StripeResponse> {
    const { baseUrl, clock } = this.#options;
    const url = new URL(`${baseUrl}${path}`);
    const body = form === undefined ? null : new URLSearchParams(form).toString();
    const request = { origin: url.origin, path: `${url.pathname}${url.search}`, method, headers, body };
    const answer = await receiveAnswer(this.#dispatcher, request, {
      signal,
      timeoutMs: this.#timeoutMs,
      // Before the body: the sooner it is known, the fewer go the same way.
      onHead: (status, head) => {
        if (status !== 429) return;
        this.#tooManyRequests++;
        grant.refused(waitMsOf(head, clock) ?? 0);
      },
      pool,
    });
    const date = secondsOf(headerOf(answer.headers, 'date'));
    if (date !== undefined) this.#clockOffset = date - Math.floor(clock.now() / 1000);
    if (answer.status === 200) return { body: answer.body, date };
    throw responseError(plainPath(path), method, answer, waitMsOf(answer.headers, clock));
  }

  #noAnswer({ method, path }: StripeRequest, error: unknown): ConnectorError {
    const what = `${method} ${plainPath(path)} at ${new URL(this.#options.baseUrl).host}`;
    if (error instanceof errors.ResponseExceededMaxSizeError) {
      const message = `${what} answered more than ${RESPONSE_BYTES_MAX / 1024 / 1024} MiB.`;
      return new ConnectorError('response_invalid', { message, cause: error });
    }
    const isTimeout =
      error instanceof AnswerTimeoutError ||
      error instanceof errors.ConnectTimeoutError ||
      error instanceof errors.HeadersTimeoutError ||
      error instanceof errors.BodyTimeoutError;
    if (isTimeout) {
      const message = `${what} had no answer within ${this.#timeoutMs / 1000} s.`;
      return new ConnectorError('timed_out', { message, cause: error });
    }
    const { code, message: text } = error as { code?: string; message?: string };
    return new ConnectorError('unreachable', { message: `${what} got no answer: ${code ?? text}.`, cause: error });
  }

  /** Drops all connections at once. */
  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }
}

/** How long an answer asks to wait. A time in it is one of Stripe's clock. */
function waitMsOf(headers: Answer['headers'], clock: Clock): number | undefined {
  const date = secondsOf(headerOf(headers, 'date'));
  return retryAfterMs(headerOf(headers, 'retry-after'), date === undefined ? clock.now() : date * 1000);
}

function responseError(
  path: string,
  method: StripeRequest['method'],
  { status, headers, body }: Answer,
  waitMs: number | undefined,
): StripeResponseError {
  const advice = headerOf(headers, 'stripe-should-retry');
  const errorHeaders = {
    requestId: headerOf(headers, 'request-id'),
    retryAfterMs: waitMs,
    shouldRetry: advice === undefined ? undefined : advice === 'true',
  };
  return new StripeResponseError(path, status, body, errorHeaders, method);
}

/** Without the query: its values belong into no message. */
function plainPath(path: string): string {
  return path.replace(/\?.*/s, '');
}
