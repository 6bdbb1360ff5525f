import { ConnectorError, type ConnectorLog } from '@penstock/connector-sdk';
import * as z from 'zod';
import type { StripeClient } from './stripe-client.ts';
import { toConnectorError } from './stripe-error.ts';

const endpointSchema = z.object({
  id: z.string().min(1),
  url: z.string(),
  status: z.string().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
  secret: z.string().optional(),
});
const endpointListSchema = z.object({ data: z.array(endpointSchema), has_more: z.boolean() });

type WebhookEndpoint = z.infer<typeof endpointSchema>;

/** Marks the endpoints that are ours to remove. */
const MADE_BY = { key: 'made_by', value: 'penstock' } as const;
const PATH = '/v1/webhook_endpoints';
const PAGE_SIZE = 100;

/** What is done to endpoints with. */
export interface EndpointContext {
  readonly client: Pick<StripeClient, 'get' | 'request'>;
  readonly log: ConnectorLog;
  readonly signal: AbortSignal;
}

/** Nothing of the body goes into the error: it may hold a secret (P7). */
function readAnswer<T>(schema: z.ZodType<T>, body: Buffer, request: string): T {
  try {
    return schema.parse(JSON.parse(body.toString()));
  } catch {
    const message = `${request} answered something that is not what Stripe says of webhook endpoints.`;
    throw new ConnectorError('response_invalid', { message, remedy: 'Check base_url.' });
  }
}

async function* readEndpoints({ client, signal }: EndpointContext): AsyncGenerator<WebhookEndpoint, void, undefined> {
  for (let after = ''; ; ) {
    const { body } = await client.get(`${PATH}?limit=${PAGE_SIZE}${after}`, signal);
    const { data, has_more } = readAnswer(endpointListSchema, body, `GET ${PATH}`);
    yield* data;
    const last = data.at(-1);
    if (!has_more || last === undefined) return;
    after = `&starting_after=${encodeURIComponent(last.id)}`;
  }
}

async function endpointsAt(url: string, context: EndpointContext): Promise<WebhookEndpoint[]> {
  try {
    const found: WebhookEndpoint[] = [];
    for await (const endpoint of readEndpoints(context)) if (endpoint.url === url) found.push(endpoint);
    return found;
  } catch (error) {
    context.signal.throwIfAborted();
    throw toConnectorError(error);
  }
}

function isOurs({ metadata }: WebhookEndpoint): boolean {
  return metadata?.[MADE_BY.key] === MADE_BY.value;
}

/**
 * Lets Stripe send all events to this URL. An endpoint that is there already is used; Stripe tells its secret only when it is
 * made, so it has to be known.
 *
 * @param secret that is configured, if any
 * @returns the secret that signs the events; undefined where it isn't known
 * @throws ConnectorError when the key may not read or make endpoints
 */
export async function ensureWebhookEndpoint(
  url: string,
  apiVersion: string,
  secret: string | undefined,
  context: EndpointContext,
): Promise<string | undefined> {
  const { client, log, signal } = context;
  const [existing] = await endpointsAt(url, context);
  if (existing !== undefined) {
    log.info(`Stripe sends events to ${url} already, by the webhook endpoint ${existing.id}.`);
    if (existing.status === 'disabled')
      log.warn(`The webhook endpoint ${existing.id} is disabled. Enable it at Stripe.`);
    if (secret === undefined) {
      log.warn(
        `Stripe tells the secret of a webhook endpoint only when it is made. Put that of ${existing.id} into webhook_secret, or remove the endpoint and run setup again.`,
      );
    }
    return secret;
  }
  const form = {
    url,
    'enabled_events[]': '*',
    api_version: apiVersion,
    description: 'Made by `source-stripe setup`; removed by `source-stripe teardown`.',
    [`metadata[${MADE_BY.key}]`]: MADE_BY.value,
  };
  try {
    const { body } = await client.request({ method: 'POST', path: PATH, form }, signal);
    const made = readAnswer(endpointSchema, body, `POST ${PATH}`);
    log.info(`Stripe sends events to ${url} from now on, by the webhook endpoint ${made.id}.`);
    return made.secret ?? secret;
  } catch (error) {
    signal.throwIfAborted();
    throw toConnectorError(error);
  }
}

/**
 * Takes back what {@link ensureWebhookEndpoint} made. Endpoints that somebody else made for the URL stay, and are named.
 *
 * @throws ConnectorError when the key may not read or remove endpoints
 */
export async function removeWebhookEndpoint(url: string, context: EndpointContext): Promise<void> {
  const { client, log, signal } = context;
  const found = await endpointsAt(url, context);
  if (found.length === 0) log.info(`Stripe has no webhook endpoint for ${url}.`);
  for (const endpoint of found) {
    if (!isOurs(endpoint)) {
      log.info(`The webhook endpoint ${endpoint.id} for ${url} was there before, and stays.`);
      continue;
    }
    try {
      await client.request({ method: 'DELETE', path: `${PATH}/${endpoint.id}` }, signal);
      log.info(`Removed the webhook endpoint ${endpoint.id} for ${url}.`);
    } catch (error) {
      signal.throwIfAborted();
      throw toConnectorError(error);
    }
  }
}
