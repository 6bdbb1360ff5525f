import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOpenApiTable } from './openapi-table.ts';
import type { StreamTable } from './stream-table.ts';

const fixture = join(import.meta.dirname, 'openapi', 'testing', 'spec3.json');
type Description = { info: { version: string }; paths: Record<string, unknown>; components: { schemas: object } };
let folder: string;
let table: StreamTable;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'openapi-'));
  table = await readOpenApiTable(fixture);
});
afterAll(async () => rm(folder, { recursive: true }));

async function written(text: string): Promise<string> {
  const file = join(folder, 'spec3.json');
  await writeFile(file, text);
  return file;
}

async function changed(change: (description: Description) => void): Promise<string> {
  const description = JSON.parse(await readFile(fixture, 'utf8')) as Description;
  change(description);
  return written(JSON.stringify(description));
}

async function propertiesOf(name: string): Promise<unknown> {
  return (await table.describe()).find((stream) => stream.name === name)?.json_schema?.properties;
}

describe('the table of an OpenAPI description', () => {
  it('has the lists of the description as streams, and the version that the description has', () => {
    expect(table.apiVersion).toBe('2024-06-20');
    expect([...table.streams.keys()]).toEqual([
      'balance_transactions',
      'charges',
      'customers',
      'customers_sources',
      'invoices',
      'invoices_lines',
      'loyalty_programs',
      'prices',
      'refunds',
      'subscription_items',
      'subscriptions',
      'v2_core_events',
    ]);
  });

  it('says why a list is not read', () => {
    expect(Object.fromEntries(table.lists.flatMap((l) => (l.excluded === null ? [] : [[l.path, l.excluded]])))).toEqual(
      {
        '/v1/balance/history': "Has nothing that `/v1/balance_transactions` doesn't have.",
        '/v1/charges/{id}/refunds': "Has nothing that `/v1/refunds` doesn't have.",
        '/v1/country_codes': 'The objects have no id.',
        '/v1/customers/search': 'Searches what another list has.',
        '/v1/loyalty/programs/{id}/members/{id}/points': 'Needs more than one id for each request.',
        '/v1/sources/{id}/source_transactions': 'Its parents, of `/v1/sources`, are in no list that is read.',
      },
    );
  });

  it('knows the filter, the limit and the paging of each list', () => {
    const common = { version: 1, limit: 100, paging: 'starting_after' };
    expect(table.streams.get('charges')).toMatchObject({ ...common, object: 'charge', created: 'created' });
    // Its filter takes one time only.
    expect(table.streams.get('loyalty_programs')).toMatchObject({ created: null, limit: 100, paging: 'none' });
    expect(table.streams.get('v2_core_events')).toMatchObject({ version: 2, created: null, limit: 50, paging: 'page' });
  });

  it('puts lists under their parents, with the property that begins them', () => {
    expect(table.streams.get('invoices_lines')).toMatchObject({
      path: '/v1/invoices/{id}/lines',
      created: null,
      parent: { path: '/v1/invoices', embedded: 'lines' },
    });
    expect(table.streams.get('subscription_items')).toMatchObject({
      path: '/v1/subscription_items?subscription={id}',
      parent: { path: '/v1/subscriptions', embedded: 'items' },
    });
    expect(table.streams.get('customers_sources')).toMatchObject({ object: 'payment_source' });
    expect(table.streams.get('charges')?.embeddedLists).toEqual([
      { property: 'refunds', path: '/v1/refunds?charge={id}' },
    ]);
    expect(table.streams.get('customers')?.embeddedLists).toEqual([
      { property: 'sources', path: '/v1/customers/{id}/sources' },
      { property: 'subscriptions', path: '/v1/subscriptions?customer={id}' },
    ]);
  });

  it('applies the rules that this version has the parameters for, and the coverage by events', () => {
    expect(table.streams.get('prices')?.queries).toEqual(['active=true', 'active=false']);
    // `status` is not in the description.
    expect(table.streams.get('subscriptions')?.queries).toEqual(['']);
    expect(table.streams.get('customers')).toMatchObject({ events: 'all', deletedBy: ['customer.deleted'] });
    expect(table.streams.get('loyalty_programs')).toMatchObject({ events: 'none', eventTypes: [] });
  });

  it('knows times, decimals, references, what may be null and what may be anything', async () => {
    expect(await propertiesOf('customers')).toMatchObject({
      id: { type: 'string' },
      created: { type: 'integer', format: 'unix-time' },
      email: { type: ['string', 'null'] },
      address: { type: ['object', 'null'] },
      // Not required, so it may be absent.
      balance: { type: ['integer', 'null'] },
      metadata: { type: ['object', 'null'] },
    });
    expect(await propertiesOf('balance_transactions')).toMatchObject({
      exchange_rate: { type: ['number', 'null'] },
      source: { type: ['string', 'null'], 'x-expandable': true },
    });
    expect(await propertiesOf('prices')).toMatchObject({
      unit_amount_decimal: { type: ['string', 'null'], format: 'decimal' },
    });
    expect(await propertiesOf('invoices')).toMatchObject({
      id: { type: 'string' },
      lines: { type: 'object' },
      currency: { type: ['string', 'null'] },
    });
    expect(await propertiesOf('subscription_items')).toMatchObject({
      created: { type: 'integer', format: 'unix-time' },
    });
    expect(await propertiesOf('v2_core_events')).toMatchObject({ created: { type: 'string', format: 'date-time' } });
    const programs = (await propertiesOf('loyalty_programs')) as Record<string, unknown>;
    expect(programs.rule).toEqual({});
    expect(programs.tiers).toEqual({ type: ['array', 'null'] });
    expect(programs.hidden).toEqual({ type: ['boolean', 'null'] });
    expect(programs.last_seen_at).toEqual({ type: ['integer', 'null'] });
    expect(await propertiesOf('customers_sources')).toMatchObject({
      last4: { type: 'string' },
      exp_month: { type: ['integer', 'null'] },
      routing_number: { type: ['string', 'null'] },
      _parent_id: { type: 'string' },
    });
  });

  it('takes a version that is no date', async () => {
    const file = await changed(({ info }) => Object.assign(info, { version: 'Wed Oct 15 2025' }));
    expect((await readOpenApiTable(file)).apiVersion).toBe('Wed Oct 15 2025');
  });

  it('leaves out a list under a parent whose parents it leaves out', async () => {
    const file = await changed(({ paths }) => delete paths['/v1/subscriptions']);
    const { lists, streams } = await readOpenApiTable(file);
    expect(streams.has('subscription_items')).toBe(false);
    expect(lists.find(({ name }) => name === 'subscription_items')?.excluded).toMatch(/in no list that is read/);
  });
});

describe('a file that is no OpenAPI description of Stripe', () => {
  const cases: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
    ['is missing', async () => join(folder, 'nowhere.json'), /nowhere\.json" can't be read: ENOENT/],
    ['is a folder', async () => folder, /can't be read: EISDIR/],
    ['is not JSON', () => written('openapi: 3.0.0'), /spec3\.json" is not JSON/],
    ['is other JSON', () => written('{"name":"stripe"}'), /is not an OpenAPI 3 description/],
    ['is null', () => written('null'), /is not an OpenAPI 3 description/],
    [
      'is of another API',
      () => changed((d) => Object.assign(d, { paths: { '/pets': { get: {} } } })),
      /none of Stripe's lists/,
    ],
    [
      'refers to nothing',
      () => changed((d) => Object.assign(d.components, { schemas: {} })),
      /reference .*leads nowhere/,
    ],
    ['has a broken path', () => changed((d) => Object.assign(d.paths, { '/v1/a': null })), /is not understood/],
  ];

  for (const [what, file, message] of cases) {
    it(`is refused when it ${what}`, async () => {
      await expect(readOpenApiTable(await file())).rejects.toMatchObject({
        code: 'config_invalid',
        message: expect.stringMatching(message),
        remedy: expect.stringContaining('spec3.json'),
      });
    });
  }
});
