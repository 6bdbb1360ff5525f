import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { topLevelPaths } from '../endpoint-table.ts';
import { type Body, startSimulator, type TestSimulator } from '../testing/start-simulator.ts';

/** Lists inside of objects, with where they are. */
function* embeddedLists(value: unknown, at: string): Generator<{ at: string; list: Body }> {
  if (typeof value !== 'object' || value === null) return;
  const list = value as Body;
  if (list.object === 'list' && Array.isArray(list.data)) yield { at, list };
  for (const [key, inner] of Object.entries(value)) yield* embeddedLists(inner, `${at}.${key}`);
}

describe('single objects', () => {
  let sim: TestSimulator;
  beforeAll(async () => {
    sim = await startSimulator('--objects', '2500', '--count', '/v1/events=60');
    // The lists of products that hardly anyone has are empty.
    for (const [path, stream] of sim.simulator.store.streams) {
      if (stream.size() === 0) await sim.admin('POST', 'objects/create', { path, count: 2 });
    }
  });
  afterAll(() => sim.close());

  it.each(topLevelPaths)('of %s are retrieved as they are in the list', async (path) => {
    const truth = await sim.truth(path);
    expect(truth.length).toBeGreaterThan(0);
    for (const object of truth.slice(0, 40)) {
      const { status, body } = await sim.get(`${path}/${encodeURIComponent(object.id)}`);
      expect([status, body]).toEqual([200, object]);
    }
  });

  it.each(topLevelPaths.filter((path) => path !== '/v1/events' && path !== '/v1/subscriptions'))(
    'of %s are answered with resource_missing once deleted, customers with hardly more than that',
    async (path) => {
      const { ids } = await sim.admin('POST', 'objects/delete', { path, count: 1 });
      const { status, body } = await sim.get(`${path}/${encodeURIComponent(ids[0])}`);
      if (path === '/v1/customers')
        expect([status, body]).toEqual([200, { id: ids[0], object: 'customer', deleted: true }]);
      else {
        expect(status).toBe(404);
        expect(body.error).toMatchObject({ type: 'invalid_request_error', code: 'resource_missing', param: 'id' });
      }
      expect((await sim.truth(path)).map((object) => object.id)).not.toContain(ids[0]);
    },
  );
});

describe('the lists inside of objects', () => {
  it('are the first ten of the list that their URL leads to, and say whether there is more', async () => {
    const sim = await startSimulator(
      ...['/v1/accounts', '/v1/application_fees', '/v1/credit_notes', '/v1/invoices', '/v1/radar/value_lists']
        .concat('/v1/subscriptions', '/v1/transfers')
        .flatMap((path) => ['--count', `${path}=90`]),
    );
    const kinds = new Set<string>();
    let moreCount = 0;
    for (const path of topLevelPaths) {
      for (const object of await sim.truth(path)) {
        for (const { at, list } of embeddedLists(object, path)) {
          kinds.add(at);
          const url = `${list.url}${list.url.includes('?') ? '&' : '?'}limit=10`;
          const { data, has_more } = (await sim.get(url)).body;
          expect([list.data, list.has_more], url).toEqual([data, has_more]);
          if (!has_more) continue;
          moreCount++;
          const rest = (await sim.get(`${url}0&starting_after=${list.data.at(-1).id}`)).body;
          const all = (await sim.get(`${url}0`)).body;
          expect([...list.data, ...rest.data].slice(0, 100)).toEqual(all.data);
        }
      }
    }
    expect([...kinds].sort()).toEqual([
      '/v1/accounts.external_accounts',
      '/v1/application_fees.refunds',
      '/v1/credit_notes.lines',
      '/v1/invoices.lines',
      '/v1/radar/value_lists.list_items',
      '/v1/subscriptions.items',
      '/v1/transfers.reversals',
    ]);
    expect(moreCount).toBeGreaterThan(5);
    await sim.close();
  });
});
