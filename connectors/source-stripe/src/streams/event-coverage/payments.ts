import { type EventRule, named } from './rule.ts';

const metadata = 'changes of metadata alone';

/** What events tell of payments, payouts and what belongs to them. */
export const paymentCoverage: Readonly<Record<string, EventRule>> = {
  '/v1/application_fees': {
    coverage: 'all',
    types: named('application_fee', 'created refunded'),
  },
  '/v1/application_fees/{id}/refunds': {
    coverage: 'some',
    types: ['application_fee.refund.updated'],
    parentIdIn: 'fee',
    untold: 'creation',
  },
  '/v1/balance_transactions': {
    coverage: 'none',
    types: [],
    untold: 'they do not even tell when an amount becomes available',
  },
  '/v1/charges': {
    coverage: 'all',
    types: named('charge', 'captured expired failed pending refunded succeeded updated'),
  },
  '/v1/checkout/sessions': {
    coverage: 'some',
    types: named('checkout.session', 'async_payment_failed async_payment_succeeded completed expired'),
    untold: 'creation, and changes while a session is open',
  },
  '/v1/disputes': {
    coverage: 'all',
    types: named('charge.dispute', 'closed created funds_reinstated funds_withdrawn updated'),
  },
  '/v1/forwarding/requests': {
    coverage: 'none',
    types: [],
    neverChanges: true,
  },
  '/v1/payment_intents': {
    coverage: 'some',
    types: named(
      'payment_intent',
      'amount_capturable_updated canceled created partially_funded payment_failed processing requires_action succeeded',
    ),
    untold: 'changes that leave the status as it is: of metadata, description or amount',
  },
  '/v1/payment_links': { coverage: 'all', types: named('payment_link', 'created updated') },
  '/v1/payment_methods': {
    // One that belongs to nobody is told by no event, and taken as not listed.
    coverage: 'all',
    types: named('payment_method', 'attached automatically_updated updated'),
    deletedBy: ['payment_method.detached'],
  },
  '/v1/payouts': {
    coverage: 'all',
    types: named('payout', 'canceled created failed paid reconciliation_completed updated'),
  },
  '/v1/radar/early_fraud_warnings': {
    coverage: 'all',
    types: named('radar.early_fraud_warning', 'created updated'),
  },
  '/v1/refunds': {
    coverage: 'all',
    types: [...named('refund', 'created failed updated'), 'charge.refund.updated'],
  },
  '/v1/reviews': { coverage: 'all', types: named('review', 'opened closed') },
  '/v1/setup_intents': {
    coverage: 'some',
    types: named('setup_intent', 'canceled created requires_action setup_failed succeeded'),
    untold: 'changes that leave the status as it is: of metadata, description or payment method',
  },
  '/v1/three_d_secure/authentications': {
    coverage: 'some',
    types: named(
      'three_d_secure.authentication',
      'canceled challenge_started errored failed requires_challenge requires_submission succeeded',
    ),
    untold: 'creation',
  },
  '/v1/topups': {
    coverage: 'some',
    types: named('topup', 'canceled created failed reversed succeeded'),
    untold: metadata,
  },
  '/v1/transfers': { coverage: 'all', types: named('transfer', 'created reversed updated') },
};
