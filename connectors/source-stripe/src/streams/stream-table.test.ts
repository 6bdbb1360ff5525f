import { configuredCatalogSchema } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { configuredStreams } from '../testing/read-source.ts';
import { readFormats, staleFiles } from './generate-stream-table.ts';
import { describeStreams, lists, streams } from './stream-table.ts';

describe('the table of streams', () => {
  it('is what the generator writes, as are the schemas and the reference page', () => {
    expect(staleFiles(readFormats())).toEqual([]);
  });

  it('says of every list either how it is read or why it is not', () => {
    expect(lists.length).toBeGreaterThan(140);
    for (const entry of lists) {
      if (entry.excluded !== null) expect(entry.excluded, entry.path).toMatch(/\.$/);
      else expect(entry.path, entry.path).not.toMatch(/[{}]|search$/);
    }
  });

  it('makes a catalog that the protocol takes, with a key, a version and a deletion mark for each stream', async () => {
    const described = await describeStreams();
    expect(described.length).toBe(streams.size);
    configuredCatalogSchema.parse({ streams: await configuredStreams() });
    for (const stream of described) {
      expect(stream.primary_key).toEqual([['id'], ['_account_id']]);
      const properties = stream.json_schema?.properties as Record<string, unknown>;
      for (const name of ['id', '_account_id', '_as_of', 'deleted'])
        expect(properties, stream.name).toHaveProperty(name);
    }
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
});
