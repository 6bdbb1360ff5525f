import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aliasOf, parentParameter, partOf, unlistedParents } from './endpoint-rules.ts';
import { childPaths, endpoints, eventTypesOf, resources, spreadCounts, topLevelPaths } from './endpoint-table.ts';
import { listMethods } from './generate/list-methods.ts';
import { endpointsSchema, resourcesSchema } from './generate/table-schema.ts';
import generatedEndpoints from './generated/endpoints.json' with { type: 'json' };
import generatedResources from './generated/resources.json' with { type: 'json' };

const packageFolder = dirname(dirname(createRequire(import.meta.url).resolve('stripe')));

describe('the endpoint table', () => {
  it('is made of files that look as they are read', () => {
    expect(endpointsSchema.parse(generatedEndpoints)).toEqual(generatedEndpoints);
    expect(resourcesSchema.parse(generatedResources)).toEqual(generatedResources);
  });

  it('has every list method of the stripe package, with its parameters, and no other as coming from it', () => {
    const fromPackage = listMethods(packageFolder);
    expect(fromPackage.length).toBeGreaterThan(100);
    for (const method of fromPackage) expect(endpoints.get(method.path)?.params, method.path).toEqual(method.params);
    const listed = new Set(fromPackage.map((m) => m.path));
    for (const e of endpoints.values()) expect(listed.has(e.path), e.path).toBe(e.origin !== 'description');
  });

  it('has a shaped example for every listed object', () => {
    for (const e of endpoints.values()) {
      expect(resources[e.object]?.example.object, e.path).toBe(e.object);
      for (const field of Object.keys(resources[e.object]?.example ?? {}))
        expect(resources[e.object]?.fields, e.path).toContain(field);
    }
  });

  it('knows a parent for every path with a parent in it, and for every list that a query parameter ties to one', () => {
    for (const path of childPaths) {
      const parent = endpoints.get(path)?.parent?.path ?? '';
      expect(endpoints.has(parent) || parent in unlistedParents, path).toBe(true);
    }
    for (const rules of [aliasOf, partOf, parentParameter])
      for (const path of Object.keys(rules)) expect(endpoints.has(path), path).toBe(true);
  });
});

describe('the event types', () => {
  it("of customers' tax ids are not those of the account's own list", () => {
    expect(eventTypesOf('/v1/tax_ids', 'tax_id')).toEqual({});
    expect(eventTypesOf('/v1/customers/{parent}/tax_ids', 'tax_id').created).toBe('customer.tax_id.created');
  });

  it('that speak of an owner are about a list that has objects of such an owner only', () => {
    // Stripe names these after what pays or is charged; the objects are in one list, whoever owns them.
    const inOneList = ['charge.dispute', 'customer.subscription', 'application_fee.refund'];
    for (const path of topLevelPaths) {
      const object = endpoints.get(path)?.object ?? '';
      for (const type of Object.values(eventTypesOf(path, object)) as string[]) {
        const about = type.slice(0, type.lastIndexOf('.'));
        const hasOwner = /^(account|customer|charge|application_fee|source)\./.test(about);
        if (hasOwner) expect(inOneList, `${path} ${type}`).toContain(about);
      }
    }
  });
});

describe('spreadCounts', () => {
  it.each([0, 1, 37, 1000, 50_000, 1_000_000])('adds up to a total of %i', (total) => {
    const counts = spreadCounts(total, {});
    expect(topLevelPaths.reduce((sum, path) => sum + (counts.get(path) ?? 0), 0)).toBe(total);
  });

  it('leaves some streams empty and makes some a hundred times larger than others', () => {
    const counts = spreadCounts(50_000, {});
    expect(topLevelPaths.filter((path) => counts.get(path) === 0).length).toBeGreaterThan(3);
    expect(counts.get('/v1/charges')).toBeGreaterThan(100 * (counts.get('/v1/coupons') ?? 0));
  });

  it('takes given counts as they are, on top of the total', () => {
    const counts = spreadCounts(100, { '/v1/customers': 7, '/v1/climate/orders': 3 });
    expect([counts.get('/v1/customers'), counts.get('/v1/climate/orders')]).toEqual([7, 3]);
  });

  it('refuses more objects than there are well-known names', () => {
    expect(() => spreadCounts(0, { '/v1/country_specs': 500 })).toThrow(/at most \d+ objects/);
  });
});
