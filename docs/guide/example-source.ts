import { ConnectorError, message, runConnector, type Source } from '@penstock/connector-sdk';
import { z } from 'zod';

const config = z.object({
  base_url: z.url().describe('Where the shop answers, for example https://shop.example.com'),
  token: z.string().describe('Key of the API').meta({ secret: true }),
});
const pageSchema = z.object({ orders: z.array(z.object({ id: z.number() }).loose()), last_id: z.number().nullable() });
const orders = { name: 'orders', primary_key: [['id']], json_schema: { properties: { id: { type: 'integer' } } } };

/** One page of orders with an id above `after`, and where the next page begins; null when this is the last one. */
async function fetchOrders(settings: z.infer<typeof config>, after: number, signal: AbortSignal) {
  const headers = { authorization: `Bearer ${settings.token}` };
  const response = await fetch(`${settings.base_url}/orders?after=${after}`, { headers, signal });
  if (response.status === 401)
    throw new ConnectorError('credentials_refused', { message: 'The shop refused the token.' });
  if (!response.ok) throw new ConnectorError('upstream_failed', { message: `The shop answered ${response.status}.` });
  return pageSchema.parse(await response.json());
}

const shop: Source<typeof config> = {
  name: 'shop',
  version: '1.0.0',
  description: 'Reads the orders of a shop',
  config,
  streamState: z.object({ after: z.number() }),
  check: async ({ config, signal }) =>
    `The shop answers; ${(await fetchOrders(config, 0, signal)).orders.length} orders.`,
  discover: async () => ({ streams: [orders] }),
  async *read({ config, catalog, state, signal }) {
    if (!catalog.streams.some(({ stream }) => stream.name === 'orders')) return;
    yield message.streamStatus({ stream: 'orders', status: 'start' });
    let after: number | null = (state.streams.orders as { after: number } | undefined)?.after ?? 0;
    while (after !== null) {
      const page: z.infer<typeof pageSchema> = await fetchOrders(config, after, signal);
      const emitted_at = new Date().toISOString();
      for (const data of page.orders) yield message.record({ stream: 'orders', emitted_at, data });
      after = page.last_id;
      if (after !== null) yield message.sourceState({ state_type: 'stream', stream: 'orders', data: { after } });
    }
    yield message.streamStatus({ stream: 'orders', status: 'complete' });
  },
};

await runConnector(shop);
