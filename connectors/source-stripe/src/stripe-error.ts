import { ConnectorError } from '@penstock/connector-sdk';
import type { ErrorCode } from '@penstock/protocol';
import * as z from 'zod';
import type { StripeStream } from './streams/stream-table.ts';

/** What an answer with an error says of it. v1 and v2 share these fields. */
const errorBodySchema = z.object({
  error: z.object({
    type: z.string().optional(),
    code: z.string().optional(),
    param: z.string().optional(),
    message: z.string().optional(),
  }),
});

/** What the headers of an answer say of its error. */
export interface ErrorHeaders {
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** Stripe's own advice, where it gives one. */
  readonly shouldRetry: boolean | undefined;
}

/** An answer of Stripe that is an error, after all retries that could help. */
export class StripeResponseError extends Error {
  override readonly name = 'StripeResponseError';
  readonly status: number;
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly param: string | undefined;
  /** For Stripe's support: which request it was. */
  readonly requestId: string | undefined;
  /** Stripe's own sentence, '' without one. */
  readonly stripeMessage: string;
  /** Whether the answer has the form of Stripe's errors: a proxy or another server would not write it. */
  readonly isFromStripe: boolean;

  /** Whether the same request may succeed a moment later. */
  readonly mayRetry: boolean;
  /** How long Stripe asks to wait before that, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  /** @param path of the request, without its query */
  constructor(path: string, status: number, body: Buffer, headers: ErrorHeaders, method = 'GET') {
    const { requestId, retryAfterMs, shouldRetry } = headers;
    const { error } = parseBody(body);
    const parts = [`HTTP ${status}`, error.code, requestId].filter((part) => part !== undefined);
    super(`${method} ${path} answered ${error.message ?? 'without saying why'} (${parts.join(', ')}).`);
    this.status = status;
    this.code = error.code;
    this.type = error.type;
    this.param = error.param;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
    // 409 is a lock that another request holds. A 429 is always worth a wait.
    const isTransient = status === 429 || status === 409 || status >= 500;
    this.mayRetry = shouldRetry === undefined || status === 429 ? isTransient : shouldRetry;
    this.stripeMessage = error.message ?? '';
    this.isFromStripe = Object.keys(error).length > 0;
  }

  /** For a request with a cursor: whether the object under it no longer exists. */
  get isCursorLost(): boolean {
    const isOfCursor = this.param === undefined || this.param === 'starting_after';
    return (this.status === 400 || this.status === 404) && this.code === 'resource_missing' && isOfCursor;
  }
}

function parseBody(body: Buffer): z.infer<typeof errorBodySchema> {
  try {
    return errorBodySchema.parse(JSON.parse(body.toString()));
  } catch {
    return { error: {} };
  }
}

/** What an error means for the stream, or for the run. */
export type Trouble =
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'stream_error'; readonly error: ConnectorError }
  | { readonly kind: 'run_error'; readonly error: ConnectorError };

const refusals: Readonly<Record<number, ErrorCode>> = { 429: 'rate_limited', 409: 'upstream_failed' };

/** Any error of a request as one of the table's. */
export function toConnectorError(error: unknown): ConnectorError {
  if (error instanceof ConnectorError) return error;
  if (error instanceof StripeResponseError) {
    if (error.status === 401) return credentialsRefused(error);
    if (error.status === 403 && error.isFromStripe) {
      return new ConnectorError('permission_missing', { message: error.message, remedy: KEY_REMEDY, cause: error });
    }
    const code = refusals[error.status] ?? (error.status >= 500 ? 'upstream_failed' : 'request_refused');
    return new ConnectorError(code, { message: error.message, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ConnectorError('internal', { message: `Unexpected error: ${message}`, cause: error });
}

const KEY_REMEDY =
  'Give the key read permission for it: https://dashboard.stripe.com/apikeys, the menu of the key, "Edit key".';

/** Without Stripe's sentence: it shows a part of the key. */
function credentialsRefused(error: StripeResponseError): ConnectorError {
  const expired = error.code === 'api_key_expired' ? ' The key has expired.' : '';
  return new ConnectorError('credentials_refused', {
    message: `Stripe refused the API key (HTTP 401).${expired}`,
    remedy: 'Put a valid key into api_key; keys are at https://dashboard.stripe.com/apikeys.',
    cause: error,
  });
}

/**
 * What to do about an error that a stream's list was answered with. Decided by status, code and endpoint: a plain list
 * with no parameter but those of pagination can't be a wrong request, so a 400 or 404 without a code or parameter that
 * says otherwise means that this account does not have what is listed. An answer that is not Stripe's own, of a proxy for
 * example, says nothing about the account.
 *
 * @param hasBegun whether a part of the list was read before: then the account does have what is listed
 */
export function troubleOf(error: unknown, stream: StripeStream, hasBegun = false): Trouble {
  if (!(error instanceof StripeResponseError)) return { kind: 'stream_error', error: toConnectorError(error) };
  const said = error.stripeMessage === '' ? '' : ` Stripe says: "${error.stripeMessage}"`;
  const { status, code } = error;
  if (status === 401) return { kind: 'run_error', error: credentialsRefused(error) };
  if (status === 403 && error.isFromStripe) {
    return { kind: 'skip', reason: `The API key may not read ${stream.path} (HTTP 403).${said} ${KEY_REMEDY}` };
  }
  if (status === 400 && code === 'parameter_missing') {
    const param = error.param === undefined ? 'a parameter' : `\`${error.param}\``;
    return { kind: 'skip', reason: `Stripe does not list ${stream.path} without ${param}.${said}` };
  }
  const isOurMistake = code?.startsWith('parameter_') || error.param !== undefined;
  if ((status === 400 || status === 404) && error.isFromStripe && !isOurMistake && !hasBegun) {
    const product = stream.product ?? 'what it belongs to';
    return {
      kind: 'skip',
      reason: `This account does not have ${stream.path} (HTTP ${status}).${said} Enable ${product} at https://dashboard.stripe.com, or leave the stream out.`,
    };
  }
  return { kind: 'stream_error', error: toConnectorError(error) };
}
