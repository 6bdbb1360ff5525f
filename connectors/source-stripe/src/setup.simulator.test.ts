import type { ConnectorLog, ControlPayload } from '@penstock/connector-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from './config.ts';
import { stripeSource } from './source.ts';
import { type SimulatorProcess, startSimulator } from './testing/simulator.ts';

const HOOK = 'https://hooks.example.com/stripe';
const ENDPOINTS = '/v1/webhook_endpoints';
const KEY = 'sk_test_1234567890';

let simulator: SimulatorProcess;
beforeAll(async () => {
  simulator = await startSimulator('--objects', '0', '--account-created', '2019-05-01T00:00:00Z');
});
afterAll(() => simulator.stop());
beforeEach(async () => {
  await simulator.admin('faults', { forbidden: [] });
  const ids = await simulator.truth(ENDPOINTS);
  await Promise.all(ids.map((id) => askStripe('DELETE', `${ENDPOINTS}/${id}`)));
});

async function askStripe(method: string, path: string, form?: Record<string, string>): Promise<{ id: string }> {
  const response = await fetch(`${simulator.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}` },
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return JSON.parse(text) as { id: string };
}

/** What a command of the source said, by level. */
interface Said {
  readonly infos: string[];
  readonly warnings: string[];
}

function contextOf(config: Record<string, unknown>, said: Said) {
  const log: ConnectorLog = {
    debug() {},
    info: (text) => void said.infos.push(text),
    warn: (text) => void said.warnings.push(text),
    error() {},
  };
  const parsed = configSchema.parse({ api_key: KEY, base_url: simulator.url, ...config });
  return { config: parsed, log, signal: new AbortController().signal };
}

async function setUp(config: Record<string, unknown> = {}): Promise<Said & { config: Record<string, unknown> }> {
  const said: Said = { infos: [], warnings: [] };
  const control = (await stripeSource.setup?.(contextOf(config, said))) as ControlPayload;
  if (control.control_type !== 'source_config') throw new Error(`setup gave ${control.control_type}`);
  return { ...said, config: control.source_config };
}

async function tearDown(config: Record<string, unknown>): Promise<Said> {
  const said: Said = { infos: [], warnings: [] };
  await stripeSource.teardown?.(contextOf(config, said));
  return said;
}

describe('setup', () => {
  it('tells whose key it is and since when the account exists, and writes no defaults', async () => {
    const { config } = await setUp({ rate_limit: 50, reread_after_s: 86_400, revalidate_objects: [] });
    expect(config).toEqual({
      api_key: KEY,
      base_url: simulator.url,
      rate_limit: 50,
      account_id: expect.stringMatching(/^acct_/),
      account_created: Date.UTC(2019, 4, 1) / 1000,
    });
    expect(configSchema.parse(config)).toMatchObject({ reread_after_s: 86_400 });
    expect(await simulator.truth(ENDPOINTS)).toEqual([]);
  });

  it('keeps a secret that is configured where there is no URL to make an endpoint for', async () => {
    const { config } = await setUp({ webhook_secret: 'whsec_known' });
    expect(config).toMatchObject({ webhook_secret: 'whsec_known' });
  });

  it('makes the endpoint for all events, in the version that is read, and gives its secret', async () => {
    const { config, infos, warnings } = await setUp({ webhook_url: HOOK, api_version: '2026-10-28.endive' });
    const endpoints = await simulator.objects(ENDPOINTS);
    expect([...endpoints.values()]).toMatchObject([
      {
        url: HOOK,
        enabled_events: ['*'],
        api_version: '2026-10-28.endive',
        status: 'enabled',
        metadata: { made_by: 'penstock' },
      },
    ]);
    expect(config).toMatchObject({ webhook_url: HOOK, webhook_secret: expect.stringMatching(/^whsec_\w+/) });
    expect(infos.join()).toContain([...endpoints.keys()][0]);
    expect(warnings).toEqual([]);
  });

  it('uses the endpoint that is there when it is run again, and keeps its secret', async () => {
    const first = await setUp({ webhook_url: HOOK });
    const again = await setUp(first.config);
    expect(again.config).toEqual(first.config);
    expect(again.warnings).toEqual([]);
    expect(await simulator.truth(ENDPOINTS)).toHaveLength(1);
  });

  it('warns when the secret of the endpoint that is there is not known', async () => {
    await setUp({ webhook_url: HOOK });
    const again = await setUp({ webhook_url: HOOK });
    const [id] = await simulator.truth(ENDPOINTS);
    expect(again.config).not.toHaveProperty('webhook_secret');
    expect(again.warnings).toEqual([expect.stringMatching(new RegExp(`${id}.*webhook_secret`))]);
    expect(await simulator.truth(ENDPOINTS)).toHaveLength(1);
  });

  it('finds its endpoint among as many as an account may have', async () => {
    const first = await setUp({ webhook_url: HOOK });
    const urls = Array.from({ length: 15 }, (_, i) => `https://example.com/${i}`);
    await Promise.all(urls.map((url) => askStripe('POST', ENDPOINTS, { url, 'enabled_events[]': '*' })));
    await setUp(first.config);
    expect(await simulator.truth(ENDPOINTS)).toHaveLength(16);
  });
});

describe('teardown', () => {
  it('removes what setup made, and says so; run again, it finds nothing', async () => {
    const { config } = await setUp({ webhook_url: HOOK });
    const [id] = await simulator.truth(ENDPOINTS);
    expect((await tearDown(config)).infos).toEqual([expect.stringMatching(`Removed .*${id}`)]);
    expect(await simulator.truth(ENDPOINTS)).toEqual([]);
    expect((await tearDown(config)).infos).toEqual([`Stripe has no webhook endpoint for ${HOOK}.`]);
  });

  it('leaves an endpoint that somebody else made for the same URL, and names it', async () => {
    const { id } = await askStripe('POST', ENDPOINTS, { url: HOOK, 'enabled_events[]': 'customer.created' });
    const { config } = await setUp({ webhook_url: HOOK, webhook_secret: 'whsec_theirs' });
    expect((await tearDown(config)).infos).toEqual([expect.stringMatching(`${id}.*stays`)]);
    expect(await simulator.truth(ENDPOINTS)).toEqual([id]);
  });

  it('removes nothing where no URL is configured', async () => {
    await setUp({ webhook_url: HOOK });
    expect((await tearDown({})).infos).toEqual([expect.stringContaining('webhook_url is not set')]);
    expect(await simulator.truth(ENDPOINTS)).toHaveLength(1);
  });
});

it('has neither the key nor the secret of the endpoint in any line of the log', async () => {
  const first = await setUp({ webhook_url: HOOK });
  const said = [first, await setUp(first.config), await setUp({ webhook_url: HOOK }), await tearDown(first.config)];
  const lines = said.flatMap(({ infos, warnings }) => [...infos, ...warnings]);
  expect(lines.length).toBeGreaterThanOrEqual(4);
  expect(first.config.webhook_secret).toMatch(/^whsec_/);
  for (const secret of [KEY, first.config.webhook_secret as string]) expect(lines.join()).not.toContain(secret);
});

describe('a key without permission for webhook endpoints', () => {
  beforeEach(async () => void (await simulator.admin('faults', { forbidden: [ENDPOINTS] })));

  it.each([
    ['setup', setUp],
    ['teardown', tearDown],
  ])('ends %s with an error that says what is missing', async (_, run) => {
    await expect(run({ webhook_url: HOOK })).rejects.toMatchObject({
      name: 'ConnectorError',
      code: 'permission_missing',
      message: expect.stringContaining(ENDPOINTS),
    });
  });
});

it('is refused by setup when the key is of another account than account_id says', async () => {
  await expect(setUp({ account_id: 'acct_another' })).rejects.toMatchObject({ code: 'config_invalid' });
});
