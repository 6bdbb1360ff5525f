import type { Catalog } from '@penstock/protocol';
import { describe, expect, it } from 'vitest';
import { configureCatalog } from './configured-catalog.ts';

const catalog: Catalog = {
  streams: [
    {
      name: 'customers',
      primary_key: [['id']],
      supports_time_range: true,
      json_schema: { properties: { id: {}, email: {} } },
    },
    { name: 'charges', primary_key: [['id']] },
    { name: 'log_lines', primary_key: [] },
  ],
};

describe('the configured catalog', () => {
  it('has every stream, incremental, merged by primary key where there is one', () => {
    const { streams } = configureCatalog(catalog, undefined, undefined);
    expect(streams.map((s) => [s.stream.name, s.sync_mode, s.destination_sync_mode])).toEqual([
      ['customers', 'incremental', 'append_dedup'],
      ['charges', 'incremental', 'append_dedup'],
      ['log_lines', 'incremental', 'append'],
    ]);
    expect(streams[0]!.supports_time_range).toBe(true);
  });

  it("has only the streams that are named, in the source's order, with what is said of them", () => {
    const time_range = { gte: '2026-01-01T00:00:00Z' };
    const choices = [{ name: 'charges' }, { name: 'customers', fields: ['email'], backfill_limit: 5, time_range }];
    const { streams } = configureCatalog(catalog, choices, undefined);
    expect(streams.map((s) => s.stream.name)).toEqual(['customers', 'charges']);
    expect(streams[0]).toMatchObject({ fields: ['email'], backfill_limit: 5, time_range });
  });

  it('has optional streams only when they are named, and with a star all others', () => {
    const lines = { name: 'charges_lines', primary_key: [['id']], metadata: { optional: true } };
    const more: Catalog = { streams: [lines, ...catalog.streams] };
    const named = (choices: Parameters<typeof configureCatalog>[1]) =>
      configureCatalog(more, choices, undefined).streams.map(({ stream, backfill_limit }) => [
        stream.name,
        backfill_limit,
      ]);
    expect(named(undefined).map(([name]) => name)).toEqual(['customers', 'charges', 'log_lines']);
    expect(named([{ name: 'charges_lines' }])).toEqual([['charges_lines', undefined]]);
    const star = { name: '*', backfill_limit: 7 };
    const usual = [
      ['customers', 7],
      ['charges', 3],
      ['log_lines', 7],
    ];
    const charges = { name: 'charges', backfill_limit: 3 };
    expect(named([charges, star])).toEqual(usual);
    expect(named([star, { name: 'charges_lines' }, charges])).toEqual([['charges_lines', undefined], ...usual]);
    // Of the file, where the flags say `*`.
    expect(named([star, charges, { name: 'charges_lines', namesNothing: true }])).toEqual(usual);
    expect(() => configureCatalog({ streams: [lines] }, undefined, undefined)).toThrow(/All streams .* are optional/);
  });

  it('reads everything again where it overwrites', () => {
    const { streams } = configureCatalog(catalog, [{ name: 'charges', destination_sync_mode: 'overwrite' }], undefined);
    expect(streams[0]).toMatchObject({ sync_mode: 'full_refresh', destination_sync_mode: 'overwrite' });
  });

  it('refuses an unknown stream with the nearest names', () => {
    expect(() => configureCatalog(catalog, [{ name: 'costumers' }], undefined)).toThrow(
      /no stream "costumers" \(did you mean customers\?\)/,
    );
  });

  it('refuses a stream whose name can be the key of no object, unless it is left out', () => {
    const strange = { streams: [...catalog.streams, { name: '__proto__', primary_key: [] }] };
    expect(() => configureCatalog(strange, undefined, undefined)).toThrow(
      expect.objectContaining({ code: 'protocol_violated', message: expect.stringContaining('"__proto__"') }),
    );
    expect(configureCatalog(strange, [{ name: 'charges' }], undefined).streams).toHaveLength(1);
    const odd = { streams: ['constructor', 'toString'].map((name) => ({ name, primary_key: [] })) };
    expect(configureCatalog(odd, undefined, undefined).streams).toHaveLength(2);
  });

  it('refuses an unknown field, and a mode that the destination does not have', () => {
    expect(() => configureCatalog(catalog, [{ name: 'customers', fields: ['emial'] }], undefined)).toThrow(
      /no field "emial"/,
    );
    const overwrite = [{ name: 'charges', destination_sync_mode: 'overwrite' as const }];
    expect(() => configureCatalog(catalog, overwrite, ['append'])).toThrow(/does not|doesn't support/);
  });
});
