/**
 * What Stripe's descriptions don't say about the list endpoints, written by hand: which old paths are the same list,
 * which lists belong to a parent that a query parameter names, how ids look where the example object has none.
 */

/** Older paths that answer with another endpoint's objects. */
export const aliasOf: Record<string, string> = {
  '/v1/balance/history': '/v1/balance_transactions',
  '/v1/linked_accounts': '/v1/financial_connections/accounts',
  '/v1/linked_accounts/{parent}/owners': '/v1/financial_connections/accounts/{parent}/owners',
  '/v1/accounts/{parent}/people': '/v1/accounts/{parent}/persons',
  '/v1/customers/{parent}/cards': '/v1/customers/{parent}/sources',
};

/** Lists under a parent that are a part of a top-level list: the field there that holds the parent's id. */
export const partOf: Record<string, { path: string; field: string; parent: string }> = {
  '/v1/charges/{parent}/refunds': { path: '/v1/refunds', field: 'charge', parent: '/v1/charges' },
  '/v1/customers/{parent}/subscriptions': { path: '/v1/subscriptions', field: 'customer', parent: '/v1/customers' },
  '/v1/customers/{parent}/payment_methods': { path: '/v1/payment_methods', field: 'customer', parent: '/v1/customers' },
};

/** Lists whose parent is named by a required query parameter. */
export const parentParameter: Record<string, { parameter: string; parent: string }> = {
  '/v1/credit_notes/preview/lines': { parameter: 'invoice', parent: '/v1/invoices' },
  '/v1/entitlements/active_entitlements': { parameter: 'customer', parent: '/v1/customers' },
  '/v1/financial_connections/transactions': { parameter: 'account', parent: '/v1/financial_connections/accounts' },
  '/v1/invoices/upcoming/lines': { parameter: 'customer', parent: '/v1/customers' },
  '/v1/issuing/tokens': { parameter: 'card', parent: '/v1/issuing/cards' },
  '/v1/payment_attempt_records': { parameter: 'payment_record', parent: '/v1/payment_records' },
  '/v1/radar/value_list_items': { parameter: 'value_list', parent: '/v1/radar/value_lists' },
  '/v1/setup_attempts': { parameter: 'setup_intent', parent: '/v1/setup_intents' },
  '/v1/subscription_items': { parameter: 'subscription', parent: '/v1/subscriptions' },
  '/v1/treasury/credit_reversals': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/debit_reversals': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/inbound_transfers': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/outbound_payments': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/outbound_transfers': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/received_credits': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/received_debits': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/transaction_entries': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
  '/v1/treasury/transactions': { parameter: 'financial_account', parent: '/v1/treasury/financial_accounts' },
};

/** What a list leaves out while a parameter says nothing: objects of which this field has this value. */
export const leftOut: Record<string, { parameter: string; field: string; value: unknown }> = {
  '/v1/prices': { parameter: 'active', field: 'active', value: false },
  '/v1/subscriptions': { parameter: 'status', field: 'status', value: 'canceled' },
  '/v2/core/accounts': { parameter: 'closed', field: 'closed', value: true },
  '/v2/money_management/financial_accounts': { parameter: 'statuses', field: 'status', value: 'closed' },
};

/** Lists without events, though there are events about objects of the same kind that are in another list. */
export const eventsOfOthers: ReadonlySet<string> = new Set([
  // The account's own; `customer.tax_id.…` is about those of customers.
  '/v1/tax_ids',
  // `account.external_account.…` is about the bank accounts of connected accounts.
  '/v1/customers/{parent}/bank_accounts',
]);

/** Objects that can be retrieved and have lists under them, but are in no list themselves. */
export const unlistedParents: Record<string, string> = {
  '/v1/sources': 'source',
  '/v1/tax/calculations': 'tax.calculation',
  '/v1/tax/transactions': 'tax.transaction',
};

/** Id prefixes for kinds whose example has no real id. The others' come from the example. */
export const idPrefix: Record<string, string> = {
  'apps.install': 'appinst_',
  'billing.alert': 'alrt_',
  'billing.credit_balance_transaction': 'cbtxn_',
  'billing.credit_grant': 'credgr_',
  'billing.feedback_option': 'fbopt_',
  'billing.meter': 'mtr_',
  'climate.product': 'climsku_',
  'climate.supplier': 'climsup_',
  coupon: '',
  invoice_payment: 'inpay_',
  invoice_rendering_template: 'inrtem_',
  line_item: 'il_',
  payment_attempt_record: 'par_',
  payment_intent_amount_details_line_item: 'uli_',
  payment_record: 'pr_',
  product_feature: 'prodft_',
  'product_catalog.trial_offer': 'to_',
  subscription_schedule: 'sub_sched_',
  'tax.location': 'taxloc_',
  'three_d_secure.authentication': 'tdsa_',
  usage_record_summary: 'sis_',
  'v2.commerce.product_catalog_import': 'pcimprt_',
  'v2.core.account': 'acct_',
  'v2.core.account_person': 'person_',
  'v2.core.event': 'evt_',
  'v2.core.event_destination': 'ed_',
  'v2.core.vault.gb_bank_account': 'gbba_',
  'v2.core.vault.us_bank_account': 'usba_',
  'v2.money_management.adjustment': 'adj_',
  'v2.money_management.financial_account': 'fa_',
  'v2.money_management.financial_address': 'finaddr_',
  'v2.money_management.inbound_transfer': 'ibt_',
  'v2.money_management.outbound_payment': 'obp_',
  'v2.money_management.outbound_setup_intent': 'obsi_',
  'v2.money_management.payout_intent': 'pi_',
  'v2.money_management.payout_method': 'pm_',
  'v2.money_management.received_credit': 'rc_',
  'v2.money_management.transaction': 'trxn_',
  'v2.money_management.transaction_entry': 'trxne_',
};

/** Kinds whose ids are names that everybody knows, and so can be no more than these. */
export const namedKinds: Record<string, readonly string[]> = {
  country_spec:
    'AE AT AU BE BG BR CA CH CY CZ DE DK EE ES FI FR GB GI GR HK HR HU IE IT JP LI LT LU LV MT MX MY NL NO NZ PL PT RO SE SG SI SK TH US'.split(
      ' ',
    ),
  exchange_rate:
    'aed aud bgn brl cad chf clp cny czk dkk eur gbp hkd huf idr ils inr isk jpy krw kwd mxn myr nok nzd php pln ron sek sgd thb try twd usd zar'.split(
      ' ',
    ),
  capability:
    'acss_debit_payments bancontact_payments card_issuing card_payments klarna_payments sepa_debit_payments transfers us_bank_account_ach_payments'.split(
      ' ',
    ),
  'reporting.report_type':
    'activity.itemized.1 activity.summary.1 balance.summary.1 balance_change_from_activity.itemized.3 balance_change_from_activity.summary.1 card_payments_fees.transaction_level.1 connected_account_payouts.itemized.1 ending_balance_reconciliation.itemized.4 ending_balance_reconciliation.summary.1 fees.transaction_level.1 payout_reconciliation.itemized.5 payout_reconciliation.summary.1 payouts.itemized.3 payouts.summary.1 tax.transactions.itemized.2'.split(
      ' ',
    ),
};

/**
 * How large the streams are beside each other. What is not named here gets a small share; what has 0 is empty unless
 * `--count` says otherwise, as are products that most accounts never use.
 */
export const weights: Record<string, number> = {
  '/v1/balance_transactions': 160,
  '/v1/charges': 120,
  '/v1/payment_intents': 130,
  '/v1/events': 80,
  '/v1/customers': 90,
  '/v1/invoices': 90,
  '/v1/payment_methods': 70,
  '/v1/checkout/sessions': 40,
  '/v1/subscriptions': 30,
  '/v1/invoiceitems': 30,
  '/v1/invoice_payments': 30,
  '/v1/setup_intents': 20,
  '/v1/refunds': 15,
  '/v1/credit_notes': 8,
  '/v1/payouts': 6,
  '/v1/transfers': 6,
  '/v1/disputes': 4,
  '/v1/prices': 4,
  '/v1/plans': 4,
  '/v1/products': 3,
  '/v2/core/events': 6,
  '/v1/climate/orders': 0,
  '/v1/climate/products': 0,
  '/v1/climate/suppliers': 0,
  '/v1/issuing/physical_bundles': 0,
  '/v1/sigma/scheduled_query_runs': 0,
  '/v1/three_d_secure/authentications': 0,
  '/v2/commerce/product_catalog/imports': 0,
  '/v2/money_management/outbound_setup_intents': 0,
};

/** The weight of a stream that is not named in `weights`. */
export const usualWeight = 1;
