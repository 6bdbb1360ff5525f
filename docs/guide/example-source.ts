import { ConnectorError, message, runConnector, type Source } from '@penstock/connector-sdk';
import * as z from 'zod';

const config = z.object({
  base_url: z.url().describe('Where the shop answers, for example https://shop.example.com'),
  token: z.string().describe('Key of its API').meta({ secret: true }),
});
const streamState = z.object({ last_id: z.int() });
const orderSchema = z.looseObject({ id: z.int() });

/** The next orders after an id, oldest first; none when there are no more. */
async function fetchOrders({ base_url, token }: z.infer<typeof config>, lastId: number, signal: AbortSignal) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${base_url}/orders?after=${lastId}`, { headers, signal });
  if (response.status === 401)
    throw new ConnectorError('credentials_refused', { message: 'The shop refused the token.' });
  if (!response.ok) throw new ConnectorError('upstream_failed', { message: `The shop answered ${response.status}.` });
  return z.object({ orders: z.array(orderSchema) }).parse(await response.json()).orders;
}

await runConnector({
  name: 'shop',
  version: '1.0.0',
  description: 'Reads the orders of a shop',
  config,
  streamState,
  check: async ({ config, signal }) =>
    `The shop answers; ${(await fetchOrders(config, 0, signal)).length} orders on a page.`,
  discover: async () => ({ streams: [{ name: 'orders', primary_key: [['id']] }] }),
  async *read({ config, state, signal }) {
    yield message.streamStatus({ stream: 'orders', status: 'start' });
    let { last_id } = streamState.parse(state.streams.orders ?? { last_id: 0 });
    for (;;) {
      const orders = await fetchOrders(config, last_id, signal);
      const emitted_at = new Date().toISOString();
      for (const data of orders) yield message.record({ stream: 'orders', emitted_at, data });
      if (orders.length === 0) break;
      last_id = orders.at(-1)!.id;
      yield message.sourceState({ state_type: 'stream', stream: 'orders', data: { last_id } });
    }
    yield message.streamStatus({ stream: 'orders', status: 'complete' });
  },
} satisfies Source<typeof config>);
