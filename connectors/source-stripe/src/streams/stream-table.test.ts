import { configuredCatalogSchema } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { readFormats, staleFiles } from './generate-stream-table.ts';
import { parentStream } from './make-table.ts';
import { builtInTable, describeStreams, lists, streams } from './stream-table.ts';

describe('the table of streams', () => {
  it('is what the generator writes, as are the schemas and the reference page', () => {
    expect(staleFiles(readFormats())).toEqual([]);
  });

  it('says of every list either how it is read or why it is not', () => {
    expect(lists.length).toBeGreaterThan(140);
    for (const entry of lists) {
      if (entry.excluded !== null) expect(entry.excluded, entry.path).toMatch(/\.$/);
      else if (entry.parent === undefined) expect(entry.path, entry.path).not.toMatch(/[{}]|search$/);
      else expect(entry.path.split('{id}').length, entry.path).toBe(2);
    }
  });

  it('makes a catalog that the protocol takes, with a key, a version and a deletion mark for each stream', async () => {
    const described = await builtInTable.describe();
    expect(described.length).toBe(builtInTable.streams.size);
    configuredCatalogSchema.parse({
      streams: described.map((stream) => ({
        stream,
        sync_mode: 'incremental',
        destination_sync_mode: 'append_dedup',
      })),
    });
    for (const stream of described) {
      const key =
        stream.metadata?.parent === undefined ? [['id'], ['_account_id']] : [['id'], ['_parent_id'], ['_account_id']];
      expect(stream.primary_key).toEqual(key);
      const properties = stream.json_schema?.properties as Record<string, unknown>;
      for (const name of [...key.flat(), '_as_of', 'deleted']) expect(properties, stream.name).toHaveProperty(name);
    }
  });

  it('keeps lists under a parent out of the streams that are read without being named', async () => {
    expect((await describeStreams()).map(({ name }) => name)).toEqual([...streams.keys()]);
    expect([...streams.values()].filter(({ parent }) => parent !== undefined)).toEqual([]);
    const optional = (await builtInTable.describe()).filter(({ metadata }) => metadata?.optional === true);
    expect(optional.map(({ name }) => name).sort()).toEqual(
      [...builtInTable.streams.keys()].filter((name) => !streams.has(name)).sort(),
    );
  });

  it('puts each list under a parent below a stream of its own, whose time range it takes', async () => {
    const described = new Map((await builtInTable.describe()).map((stream) => [stream.name, stream]));
    for (const stream of builtInTable.streams.values()) {
      const parent = parentStream(builtInTable, stream);
      if (parent === undefined) continue;
      expect(parent.parent, stream.name).toBeUndefined();
      expect(described.get(stream.name)).toMatchObject({
        metadata: { path: stream.path, optional: true, parent: parent.name },
        supports_time_range: parent.created !== null,
      });
    }
  });

  it('knows where a list under a parent is, and which property of the parent begins it', () => {
    const of = (name: string): unknown => builtInTable.streams.get(name);
    expect(of('invoices_lines')).toMatchObject({
      path: '/v1/invoices/{id}/lines',
      object: 'line_item',
      parent: { path: '/v1/invoices', embedded: 'lines' },
    });
    expect(of('subscription_items')).toMatchObject({
      path: '/v1/subscription_items?subscription={id}',
      parent: { path: '/v1/subscriptions', embedded: 'items' },
    });
    expect(of('quotes_computed_upfront_line_items')).toMatchObject({ parent: { path: '/v1/quotes', embedded: null } });
    expect(of('customers_sources')).toMatchObject({ object: 'payment_source', parent: { embedded: 'sources' } });
    expect(of('setup_attempts')).toMatchObject({ parent: { path: '/v1/setup_intents', embedded: null } });
    expect(of('v2_core_accounts_persons')).toMatchObject({ path: '/v2/core/accounts/{id}/persons', paging: 'page' });
  });

  it('knows where the rest of a list is of which an object shows the first page', () => {
    const lists = (name: string): unknown => builtInTable.streams.get(name)?.embeddedLists;
    expect(lists('subscriptions')).toEqual([{ property: 'items', path: '/v1/subscription_items?subscription={id}' }]);
    expect(lists('charges')).toEqual([{ property: 'refunds', path: '/v1/refunds?charge={id}' }]);
    expect(lists('invoices')).toEqual([
      { property: 'lines', path: '/v1/invoices/{id}/lines' },
      { property: 'payments', path: '/v1/invoice_payments?invoice={id}' },
    ]);
    expect(lists('coupons')).toBeUndefined();
  });

  it('knows times, decimals, references and what may be null', async () => {
    const properties = async (name: string): Promise<unknown> =>
      (await describeStreams()).find((stream) => stream.name === name)?.json_schema?.properties;
    expect(await properties('charges')).toMatchObject({
      id: { type: 'string' },
      amount: { type: 'integer' },
      created: { type: 'integer', format: 'unix-time' },
      customer: { type: ['string', 'null'], 'x-expandable': true },
      paid: { type: 'boolean' },
      metadata: { type: 'object' },
      failure_code: { type: ['string', 'null'] },
    });
    expect(await properties('prices')).toMatchObject({
      unit_amount_decimal: { type: ['string', 'null'], format: 'decimal' },
    });
    const readers = (await properties('terminal_readers')) as Record<string, unknown>;
    // Milliseconds, so no unix-time.
    expect(readers.last_seen_at).toEqual({ type: ['integer', 'null'] });
    expect(await properties('tax_rates')).toMatchObject({ percentage: { type: 'number' } });
    expect(await properties('v2_core_accounts')).toMatchObject({ created: { type: 'string', format: 'date-time' } });
  });

  it('asks for what the plain list leaves out', () => {
    expect(streams.get('subscriptions')?.queries).toEqual(['status=all']);
    expect(streams.get('prices')?.queries).toEqual(['active=true', 'active=false']);
    expect(streams.get('invoiceitems')?.created).toBe('date');
  });

  it('gives the objects of several kinds the properties of all of them', async () => {
    const sources = (await builtInTable.describe()).find(({ name }) => name === 'customers_sources');
    expect(sources?.json_schema?.properties).toMatchObject({
      id: { type: 'string' },
      last4: { type: ['string', 'null'] },
      exp_month: { type: ['integer', 'null'] },
      routing_number: { type: ['string', 'null'] },
    });
  });
});
