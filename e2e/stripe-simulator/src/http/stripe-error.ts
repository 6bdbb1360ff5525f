/** An error as Stripe answers it. */
export class StripeError extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    body: { type: string; message: string; code?: string; param?: string; doc_url?: string },
    headers: Record<string, string> = {},
  ) {
    super(body.message);
    this.status = status;
    this.body = {
      error: {
        ...body,
        ...(body.code ? { doc_url: `https://stripe.com/docs/error-codes/${body.code.replaceAll('_', '-')}` } : {}),
      },
    };
    this.headers = headers;
  }
}

function invalid(status: number, message: string, extra: { code?: string; param?: string } = {}): StripeError {
  return new StripeError(status, { type: 'invalid_request_error', message, ...extra });
}

/** All but the ends of a key, as Stripe shows it in its messages. */
export function maskKey(key: string): string {
  const head = /^[a-z]+_(?:test|live)_/.exec(key)?.[0] ?? key.slice(0, 3);
  return `${head}${'*'.repeat(Math.max(4, key.length - head.length - 4))}${key.slice(-4)}`;
}

/** 401: the request has no key. */
export const keyMissing = () =>
  invalid(
    401,
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
  );
/** 401: nobody has this key. */
export const keyInvalid = (key: string) => invalid(401, `Invalid API Key provided: ${maskKey(key)}`);
/** 403: a restricted key that may not do this. */
export const permissionMissing = (key: string, path: string, access: 'read' | 'write' = 'read') =>
  invalid(
    403,
    `The provided key '${maskKey(key)}' does not have the required permissions for this endpoint on account. Having the '${path.split('/').slice(2).join('_')}_${access}' permission would allow this request to continue.`,
    {
      code: 'more_permissions_required',
    },
  );
/** 400: the account has not got the product. */
export const productNotEnabled = (path: string) => {
  const product = /^\/v[12]\/([a-z_]+)/.exec(path)?.[1] ?? '';
  if (path === '/v1/accounts' || path === '/v1/application_fees') {
    return invalid(
      400,
      "You can only create or list accounts if you've signed up for Connect, which you can do at https://dashboard.stripe.com/connect.",
    );
  }
  if (product === 'treasury')
    return invalid(
      400,
      'Your account is not set up to use Treasury. Please visit https://dashboard.stripe.com/treasury to get started.',
    );
  if (product === 'issuing')
    return invalid(
      400,
      'Your account is not set up to use Issuing. Please visit https://dashboard.stripe.com/issuing/overview to get started.',
    );
  return invalid(
    400,
    `Your account is not set up to use ${product}. Please visit https://dashboard.stripe.com to get started.`,
    { code: 'account_invalid' },
  );
};
/** 404: no such object. For a cursor that points nowhere it is 400, and `param` names the cursor. */
export const resourceMissing = (object: string, id: string, param: string, status: 400 | 404 = 404) =>
  invalid(status, `No such ${object.split('.').pop()}: '${id}'`, { code: 'resource_missing', param });
/** 404: no such URL. */
export const urlUnknown = (method: string, path: string) =>
  invalid(
    404,
    `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  );
/** 400: a parameter that the endpoint doesn't know. */
export const parameterUnknown = (name: string) =>
  invalid(400, `Received unknown parameter: ${name}`, { code: 'parameter_unknown', param: name });
/** 400: a parameter that the endpoint can't do without. */
export const parameterMissing = (name: string) =>
  invalid(400, `Missing required param: ${name}.`, { code: 'parameter_missing', param: name });
/** 400: not a whole number, or not one in range. */
export const integerInvalid = (name: string, message: string) =>
  invalid(400, message, { code: 'parameter_invalid_integer', param: name });
/** 400: not one of the values that a parameter can have. */
export const valueInvalid = (name: string, values: readonly string[]) =>
  invalid(400, `Invalid ${name}: must be one of ${values.slice(0, -1).join(', ')}, or ${values.at(-1)}`, {
    param: name,
  });
/** 400: a value that can't be what a parameter asks for. */
export const valueRefused = (name: string, why: string) => invalid(400, `Invalid ${name}: ${why}.`, { param: name });
/** 400: no address of the web. */
export const urlInvalid = (name: string) =>
  invalid(400, 'Invalid URL: An explicit scheme (such as https) must be provided.', {
    code: 'url_invalid',
    param: name,
  });
/** 400: as many webhook endpoints as an account can have. */
export const endpointsExhausted = (max: number) =>
  invalid(400, `You have reached the maximum of ${max} webhook endpoints.`);
/** 400: parameters that don't go together. */
export const parametersExclusive = (message: string) => invalid(400, message);
/** 429, with the seconds after which a try makes sense, where they are said. */
export const tooManyRequests = (retryAfterS: number | undefined) =>
  new StripeError(
    429,
    {
      type: 'invalid_request_error',
      code: 'rate_limit',
      message: 'Request rate limit exceeded. Learn more about rate limits here: https://stripe.com/docs/rate-limits.',
    },
    retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) },
  );
/** 500, as at a disturbance. */
export const internalError = () => new StripeError(500, { type: 'api_error', message: 'An unknown error occurred' });
