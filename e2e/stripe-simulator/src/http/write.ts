import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Simulator } from '../simulator.ts';
import { readEndpoint } from '../webhooks/read-endpoint.ts';
import { parametersExclusive, resourceMissing, urlUnknown } from './stripe-error.ts';

/** Longest form that is read, in bytes. */
const formBytesMax = 1024 * 1024;
const endpointsPath = '/v1/webhook_endpoints';

/**
 * Answers a request that is no GET. Only webhook endpoints can be made and deleted.
 *
 * @returns the body as JSON text
 * @throws StripeError for every answer that isn't 200
 */
export async function answerWrite(simulator: Simulator, request: IncomingMessage, path: string): Promise<string> {
  if (request.method === 'POST' && path === endpointsPath)
    return simulator.webhooks.create(readEndpoint(await readForm(request)));
  const id = path.startsWith(`${endpointsPath}/`) ? path.slice(endpointsPath.length + 1) : '';
  if (request.method !== 'DELETE' || id === '' || id.includes('/')) throw urlUnknown(request.method ?? '', path);
  if (!simulator.webhooks.delete(id)) throw resourceMissing('webhook_endpoint', id, 'id');
  return JSON.stringify({ id, object: 'webhook_endpoint', deleted: true });
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const type = request.headers['content-type'] ?? 'application/x-www-form-urlencoded';
  if (!type.startsWith('application/x-www-form-urlencoded'))
    throw parametersExclusive(`Invalid request: send a form (application/x-www-form-urlencoded), not ${type}.`);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > formBytesMax)
      throw parametersExclusive(`Invalid request: the form has more than ${formBytesMax} bytes.`);
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  if (!isUtf8(body)) throw parametersExclusive('Invalid request: the form is not UTF-8.');
  return new URLSearchParams(body.toString());
}
