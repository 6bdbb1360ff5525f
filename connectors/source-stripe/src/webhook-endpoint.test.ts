import { ConnectorError } from '@penstock/connector-sdk';
import { expect, it } from 'vitest';
import type { StripeResponse } from './stripe-client.ts';
import { quietLog } from './testing/read-source.ts';
import { ensureWebhookEndpoint } from './webhook-endpoint.ts';

const secret = 'whsec_0123456789';

it.each([
  ['the list', '<html>', '{}'],
  ['the list', '{"data":[{"id":1}],"has_more":false}', '{}'],
  ['what was made', '{"data":[],"has_more":false}', `"${secret}"}`],
  ['what was made', '{"data":[],"has_more":false}', `{"secret":"${secret}"}`],
])('takes no other answer for %s, and shows none of it', async (_, list, made) => {
  const answer = async (text: string): Promise<StripeResponse> => ({ body: Buffer.from(text), date: undefined });
  const client = { get: () => answer(list), request: () => answer(made) };
  const { signal } = new AbortController();
  const context = { client, log: quietLog, signal };
  const error = await ensureWebhookEndpoint('https://a.test/', '2026-10-28.endive', undefined, context).catch((e) => e);
  expect(error).toBeInstanceOf(ConnectorError);
  expect(error).toMatchObject({ code: 'response_invalid' });
  expect(`${error.stack} ${error.cause}`).not.toContain('0123456789');
});
