import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aliasOf, leftOut, partOf, unlistedParents } from './endpoint-rules.ts';
import { endpoints, resources, topLevelPaths } from './endpoint-table.ts';
import { type Body, startSimulator, type TestSimulator } from './testing/start-simulator.ts';

type ListCall = {
  name: string;
  path: string;
  call: (parentId: string | undefined, params: object) => AsyncIterable<{ id: string }>;
};

const fillers: Record<string, unknown> = {
  scope: { type: 'account' },
  type: 'performance',
  ownership: 'fcaowns_1',
  customer: 'cus_1',
  start_time: 1,
  end_time: 2_000_000_000,
};

/**
 * Finds every list method of a client by walking its resources, and the path of each by calling it on a copy that
 * only notes what it would ask for.
 */
function listCalls(of: object, name: string, seen = new Set<object>()): ListCall[] {
  const found: ListCall[] = [];
  const prototype = Object.getPrototypeOf(of);
  for (const method of Object.getOwnPropertyNames(prototype).filter((m) => /^list/.test(m))) {
    let path = '';
    const note = (_verb: string, at: string) => {
      path = decodeURIComponent(at);
    };
    const probe = Object.create(of, { _makeRequest: { value: note } });
    const arity = prototype[method].length;
    prototype[method].apply(probe, arity === 3 ? ['{parent}', {}] : [{}]);
    found.push({
      name: `${name}.${method}`,
      path,
      call: (parentId, params) => prototype[method].apply(of, parentId === undefined ? [params] : [parentId, params]),
    });
  }
  for (const [key, inner] of Object.entries(of)) {
    if (
      key.startsWith('_') ||
      typeof inner !== 'object' ||
      inner === null ||
      seen.has(inner) ||
      !/Resource$|^[A-Z]\w*$/.test(inner.constructor?.name ?? '')
    )
      continue;
    if (['stripe', 'requestSender', 'basePath'].includes(key)) continue;
    seen.add(inner);
    found.push(...listCalls(inner, `${name}.${key}`, seen));
  }
  return found;
}

function newClient(url: string): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe('sk_test_client', {
    host: hostname,
    port: Number(port),
    protocol: 'http',
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

async function idsOf(list: AsyncIterable<{ id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const object of list) ids.push(object.id);
  return ids;
}

const calls = listCalls(newClient('http://127.0.0.1:1'), 'stripe');
const isChild = (path: string) => endpoints.get(path)?.parent !== undefined;

describe("Stripe's own client", () => {
  let sim: TestSimulator;
  let stripe: ListCall[];
  const callAt = (name: string) => stripe.find((c) => c.name === name) as ListCall;
  beforeAll(async () => {
    sim = await startSimulator(
      '--objects',
      '2500',
      '--count',
      '/v1/climate/orders=130',
      '--count',
      '/v2/core/events=140',
    );
    stripe = listCalls(newClient(sim.url), 'stripe');
  });
  afterAll(() => sim.close());

  function requiredParams(path: string): Record<string, unknown> {
    const entry = Object.entries(endpoints.get(path)?.params ?? {}).filter(([, p]) => p.required);
    return Object.fromEntries(entry.map(([name, p]) => [name, name === 'type' ? p.values?.[0] : fillers[name]]));
  }

  it('has a list method for every endpoint that is said to be in the package', () => {
    const fromPackage = [...endpoints.values()].filter((e) => e.origin !== 'description').map((e) => e.path);
    expect(new Set(calls.map((c) => c.path))).toEqual(new Set(fromPackage));
  });

  it.each(calls.filter((c) => !isChild(c.path)).map((c) => [c.name, c.path]))(
    'lists %s (%s) completely but for what Stripe leaves out, in the order of the truth',
    async (name, path) => {
      const limit = 'limit' in (endpoints.get(path)?.params ?? {}) ? { limit: 100 } : {};
      const ids = await idsOf(callAt(name).call(undefined, { ...limit, ...requiredParams(path) }));
      const truth = await sim.truth(path);
      const { field, value } = leftOut[path] ?? { field: '', value: NaN };
      expect(ids).toEqual(truth.filter((o) => o[field] !== value).map((o) => o.id));
      expect(new Set(ids).size).toBe(ids.length);
    },
  );

  it.each(calls.filter((c) => isChild(c.path)).map((c) => [c.name, c.path]))(
    'lists %s (%s) completely under every parent',
    async (name, path) => {
      const { parent } = endpoints.get(path) as { parent: { path: string; parameter?: string } };
      const own = aliasOf[path] ?? path;
      const parents = await sim.truth(parent.path);
      const inTruth = new Set((await truthOfChildren(sim, own)).map((o) => o.id));
      let count = 0;
      for (const { id } of parents) {
        const params = { ...requiredParams(path), ...(parent.parameter ? { [parent.parameter]: id } : {}) };
        const ids = await idsOf(
          callAt(name).call(parent.parameter ? undefined : id, {
            ...('limit' in (endpoints.get(path)?.params ?? {}) ? { limit: 3 } : {}),
            ...params,
          }),
        );
        expect(new Set(ids).size).toBe(ids.length);
        for (const child of ids) expect(inTruth.has(child), `${path} ${child}`).toBe(true);
        count += ids.length;
      }
      expect(count).toBe((await truthOfChildren(sim, own)).length);
      expect(parents.length).toBeGreaterThan(0);
    },
  );

  it('sees a subscription that was canceled only with status=all, and the rest without', async () => {
    const all = await sim.truth('/v1/subscriptions');
    const open = all.filter((s) => s.status !== 'canceled').map((s) => s.id);
    expect(open.length).toBeLessThan(all.length);
    expect(await idsOf(callAt('stripe.subscriptions.list').call(undefined, {}))).toEqual(open);
    expect(await idsOf(callAt('stripe.subscriptions.list').call(undefined, { status: 'all' }))).toEqual(
      all.map((s) => s.id),
    );
  });

  it('sees all prices and tax registrations only with the parameters that ask for them', async () => {
    const prices = await sim.truth('/v1/prices');
    for (const active of [true, false]) {
      const wanted = prices.filter((price) => price.active === active).map((price) => price.id);
      expect(wanted.length).toBeGreaterThan(0);
      expect(await idsOf(callAt('stripe.prices.list').call(undefined, { active }))).toEqual(wanted);
    }
    const registrations = (await sim.truth('/v1/tax/registrations')).map((registration) => registration.id);
    const all = callAt('stripe.tax.registrations.list').call(undefined, { status: 'all' });
    expect(await idsOf(all)).toEqual(registrations);
  });

  it('walks backwards with ending_before', async () => {
    const truth = await sim.truth('/v1/charges');
    const last = truth.at(-1).id;
    const ids = await idsOf(callAt('stripe.charges.list').call(undefined, { ending_before: last, limit: 7 }));
    expect(ids).toEqual(
      truth
        .slice(0, -1)
        .map((o) => o.id)
        .reverse(),
    );
  });
});

/** A list that is a part of a top-level one has that one's truth. */
async function truthOfChildren(sim: TestSimulator, path: string): Promise<Body[]> {
  const part = partOf[path];
  return part ? (await sim.truth(part.path)).filter((o) => typeof o[part.field] === 'string') : sim.truth(path);
}

describe('the served objects', () => {
  it('have no top-level field that Stripe has not', async () => {
    const sim = await startSimulator(
      '--objects',
      '3000',
      '--count',
      '/v1/three_d_secure/authentications=5',
      '--count',
      '/v1/climate/products=5',
    );
    const paths = [...topLevelPaths, ...[...endpoints.keys()].filter(isChild), ...Object.keys(unlistedParents)];
    let checked = 0;
    for (const path of paths) {
      const object = endpoints.get(aliasOf[path] ?? path)?.object ?? unlistedParents[path] ?? '';
      for (const served of (await truthOfChildren(sim, aliasOf[path] ?? path)).slice(0, 20)) {
        expect(served.object, path).toBe(object);
        for (const field of Object.keys(served)) expect(resources[object]?.fields, `${path} ${field}`).toContain(field);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(1000);
    await sim.close();
  });
});
