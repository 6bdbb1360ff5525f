/** What Stripe's own description doesn't say of a list, or says only in prose. */
export interface StreamRule {
  /**
   * Query strings which together list every object. A list with several is read once with each: Stripe leaves objects out
   * of the plain list, or only promises a part of them.
   */
  readonly queries?: readonly string[];
  /** Why the list is no stream. */
  readonly excluded?: string;
  /** For a list that needs one: the list of its parents, and the parameter that names the parent. */
  readonly under?: { readonly parent: string; readonly parameter: string };
  /** What its objects are called together, where they are of several kinds. */
  readonly object?: string;
  /** What a reader of the table has to know: which objects are not in the list, or what they are of. */
  readonly note?: string;
  /** The product that must be enabled before Stripe answers with a list, as the Dashboard names it. */
  readonly product?: string;
}

const testClocks = 'Objects of a test clock (test mode only) are not in the list.';

const ofFinancialAccount = { parent: '/v1/treasury/financial_accounts', parameter: 'financial_account' };

/** Hand-written, by path, with `{id}` for the id of a parent. A path that Stripe no longer has fails the generator. */
export const streamRules: Readonly<Record<string, StreamRule>> = {
  '/v1/accounts': { product: 'Connect', note: 'The accounts connected to a platform; empty for everybody else.' },
  '/v1/accounts/{id}/external_accounts': { object: 'external_account' },
  '/v1/customers': { note: testClocks },
  '/v1/customers/{id}/sources': { object: 'payment_source' },
  '/v1/entitlements/active_entitlements': { under: { parent: '/v1/customers', parameter: 'customer' } },
  '/v1/events': { note: 'Stripe keeps events for 30 days.' },
  '/v1/payment_attempt_records': { under: { parent: '/v1/payment_records', parameter: 'payment_record' } },
  '/v1/prices': { queries: ['active=true', 'active=false'], note: 'Inline prices are not in the list.' },
  '/v1/quotes': { note: testClocks },
  '/v1/reviews': { note: 'Only reviews that are open.' },
  '/v1/radar/value_list_items': { under: { parent: '/v1/radar/value_lists', parameter: 'value_list' } },
  '/v1/setup_attempts': { under: { parent: '/v1/setup_intents', parameter: 'setup_intent' } },
  '/v1/subscription_items': { under: { parent: '/v1/subscriptions', parameter: 'subscription' } },
  // Without it, canceled subscriptions are missing.
  '/v1/subscriptions': { queries: ['status=all'], note: testClocks },
  '/v1/tax/locations': { queries: ['type=performance'] },
  // It is not said what comes without it.
  '/v1/tax/registrations': { queries: ['status=all'] },
  '/v1/tax_ids': { note: 'The tax ids of the account itself; those of customers are lists under each customer.' },
  '/v1/tax_rates': { queries: ['active=true', 'active=false'] },
  '/v1/apps/secrets': { excluded: 'Holds the secrets of Stripe Apps, a scope at a time.' },
  '/v1/issuing/authorizations': { product: 'Issuing' },
  '/v1/issuing/cardholders': { product: 'Issuing' },
  '/v1/issuing/cards': { product: 'Issuing' },
  '/v1/issuing/disputes': { product: 'Issuing' },
  '/v1/issuing/personalization_designs': { product: 'Issuing' },
  '/v1/issuing/physical_bundles': { product: 'Issuing' },
  '/v1/issuing/tokens': { under: { parent: '/v1/issuing/cards', parameter: 'card' }, product: 'Issuing' },
  '/v1/issuing/transactions': { product: 'Issuing' },
  '/v1/identity/verification_reports': { product: 'Identity' },
  '/v1/identity/verification_sessions': { product: 'Identity' },
  '/v1/financial_connections/accounts': { product: 'Financial Connections' },
  '/v1/financial_connections/transactions': {
    under: { parent: '/v1/financial_connections/accounts', parameter: 'account' },
    product: 'Financial Connections',
  },
  '/v1/climate/orders': { product: 'Climate' },
  '/v1/climate/products': { product: 'Climate' },
  '/v1/climate/suppliers': { product: 'Climate' },
  '/v1/forwarding/requests': { product: 'the Forward API' },
  '/v1/sigma/scheduled_query_runs': { product: 'Sigma' },
  '/v1/terminal/configurations': { product: 'Terminal' },
  '/v1/terminal/locations': { product: 'Terminal' },
  '/v1/terminal/readers': { product: 'Terminal' },
  '/v1/test_helpers/test_clocks': { note: 'Exists in test mode only.' },
  '/v1/treasury/financial_accounts': { product: 'Treasury' },
  '/v1/treasury/credit_reversals': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/debit_reversals': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/inbound_transfers': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/outbound_payments': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/outbound_transfers': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/received_credits': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/received_debits': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/transaction_entries': { under: ofFinancialAccount, product: 'Treasury' },
  '/v1/treasury/transactions': { under: ofFinancialAccount, product: 'Treasury' },
  '/v2/core/accounts': { queries: ['closed=false', 'closed=true'], product: 'Accounts v2' },
  '/v2/core/events': { note: 'Stripe keeps events for 30 days.' },
  '/v2/money_management/adjustments': { product: 'Global Payouts' },
  '/v2/money_management/financial_accounts': {
    // Without it, closed ones are missing.
    queries: ['statuses[0]=closed&statuses[1]=open&statuses[2]=pending'],
    product: 'Global Payouts',
  },
  '/v2/money_management/financial_addresses': { product: 'Global Payouts' },
  '/v2/money_management/inbound_transfers': { product: 'Global Payouts' },
  '/v2/money_management/outbound_payments': { product: 'Global Payouts' },
  '/v2/money_management/outbound_setup_intents': { product: 'Global Payouts' },
  '/v2/money_management/payout_intents': { product: 'Global Payouts' },
  '/v2/money_management/payout_methods': { product: 'Global Payouts' },
  '/v2/money_management/received_credits': { product: 'Global Payouts' },
  '/v2/money_management/transaction_entries': { product: 'Global Payouts' },
  '/v2/money_management/transactions': { product: 'Global Payouts' },
};
