import { describe, expect, it } from 'vitest';
import { eventCoverage, untoldEvents } from './event-coverage.ts';
import { readEventTypes } from './generate/event-types.ts';
import { stripePackage } from './generate/package-root.ts';
import { objectKinds } from './object-kinds.ts';
import { builtInTable, type StripeStream } from './stream-table.ts';

const stripeTypes = readEventTypes(stripePackage);
const streams = [...builtInTable.streams.values()];
const stream = (name: string): StripeStream | undefined => builtInTable.streams.get(name);

describe('the coverage of lists by events', () => {
  it("names every event type of Stripe's, each with a list that it tells of or with the reason why there is none", () => {
    expect(stripeTypes.size).toBeGreaterThan(250);
    const covered = new Set(streams.flatMap(({ eventTypes }) => eventTypes));
    expect([...covered, ...Object.keys(untoldEvents)].sort()).toEqual([...stripeTypes.keys()].sort());
  });

  it('counts an event for lists of the kind of object that it carries only', () => {
    for (const one of streams) {
      for (const type of one.eventTypes) {
        expect(objectKinds(one), `${one.name}: ${type}`).toEqual(
          expect.arrayContaining([...(stripeTypes.get(type) ?? ['nothing'])]),
        );
      }
    }
  });

  it('is about lists that are streams, and says what is not told wherever it is not everything', () => {
    for (const [path, rule] of Object.entries(eventCoverage)) {
      expect(
        streams.some((s) => s.path.split('?')[0] === path),
        path,
      ).toBe(true);
      if (rule.coverage === 'some') expect(rule.untold, path).toMatch(/[^.]$/);
      if (rule.coverage === 'all') expect(rule.untold, path).toBeUndefined();
      expect(rule.types.length > 0, path).toBe(rule.coverage !== 'none');
    }
  });

  it('takes the deletion of a kind of object for what it is: gone, detached, or only canceled', () => {
    expect(stream('customers')).toMatchObject({ events: 'all', deletedBy: ['customer.deleted'] });
    expect(stream('payment_methods')?.deletedBy).toEqual(['payment_method.detached']);
    expect(stream('subscriptions')?.deletedBy).toEqual([]);
    expect(stream('subscriptions')?.eventTypes).toContain('customer.subscription.deleted');
    const deletions = [...stripeTypes.keys()].filter((type) => /\.(deleted|detached)$/.test(type));
    const gone = new Set(streams.flatMap(({ deletedBy }) => deletedBy));
    expect(deletions.filter((type) => !gone.has(type)).sort()).toEqual([
      'account.external_account.deleted',
      'customer.discount.deleted',
      'customer.subscription.deleted',
      'person.deleted',
    ]);
  });

  it('never trusts events for lists of which they tell a part or nothing', () => {
    expect(stream('checkout_sessions')?.events).toBe('some');
    expect(stream('payment_intents')?.events).toBe('some');
    for (const name of ['tax_ids', 'accounts', 'balance_transactions', 'events', 'webhook_endpoints'])
      expect(stream(name)?.events, name).toBe('none');
    expect(stream('invoices')?.eventTypes).not.toContain('invoice.upcoming');
  });

  it('knows whose an object is wherever events tell of a list under a parent', async () => {
    const described = new Map((await builtInTable.describe()).map((entry) => [entry.name, entry]));
    for (const { name, parent, eventTypes, parentIdIn } of streams) {
      expect(parentIdIn !== undefined, name).toBe(parent !== undefined && eventTypes.length > 0);
      if (parentIdIn !== undefined) expect(described.get(name)?.json_schema?.properties).toHaveProperty(parentIdIn);
    }
  });

  it('says of which objects one reading is enough', () => {
    expect(streams.filter(({ neverChanges }) => neverChanges).map(({ name }) => name)).toEqual([
      'billing_credit_balance_transactions',
      'customers_cash_balance_transactions',
      'events',
      'forwarding_requests',
      'treasury_transaction_entries',
      'v2_core_events',
    ]);
  });
});
