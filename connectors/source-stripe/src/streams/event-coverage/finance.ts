import { type EventRule, named } from './rule.ts';

/** What events tell of billing, customers and products, and of Issuing and Treasury. */
export const financeCoverage: Readonly<Record<string, EventRule>> = {
  '/v1/billing/alerts': {
    coverage: 'none',
    types: [],
    untold: 'they tell only that an alert was triggered',
  },
  '/v1/billing/credit_balance_transactions': {
    coverage: 'all',
    types: ['billing.credit_balance_transaction.created'],
    neverChanges: true,
  },
  '/v1/billing/credit_grants': { coverage: 'all', types: named('billing.credit_grant', 'created updated') },
  '/v1/billing/meters': { coverage: 'all', types: named('billing.meter', 'created deactivated reactivated updated') },
  '/v1/billing_portal/configurations': {
    coverage: 'all',
    types: named('billing_portal.configuration', 'created updated'),
  },
  '/v1/coupons': { coverage: 'all', types: named('coupon', 'created updated'), deletedBy: ['coupon.deleted'] },
  '/v1/credit_notes': { coverage: 'all', types: named('credit_note', 'created updated voided') },
  '/v1/customers': { coverage: 'all', types: named('customer', 'created updated'), deletedBy: ['customer.deleted'] },
  '/v1/customers/{id}/cash_balance_transactions': {
    coverage: 'all',
    types: ['customer_cash_balance_transaction.created'],
    neverChanges: true,
    parentIdIn: 'customer',
  },
  '/v1/customers/{id}/sources': {
    coverage: 'all',
    types: [
      ...named('customer.source', 'created expiring updated'),
      ...named('source', 'canceled chargeable failed refund_attributes_required'),
    ],
    deletedBy: ['customer.source.deleted'],
    parentIdIn: 'customer',
  },
  '/v1/customers/{id}/tax_ids': {
    coverage: 'all',
    types: named('customer.tax_id', 'created updated'),
    deletedBy: ['customer.tax_id.deleted'],
    parentIdIn: 'customer',
  },
  '/v1/customers/{id}/payment_methods': {
    coverage: 'some',
    types: named('payment_method', 'attached automatically_updated updated'),
    parentIdIn: 'customer',
    untold: 'whose a payment method was that is detached',
  },
  '/v1/invoice_payments': {
    coverage: 'some',
    types: ['invoice_payment.paid'],
    untold: 'creation, and cancellation',
  },
  '/v1/invoiceitems': {
    coverage: 'some',
    types: ['invoiceitem.created'],
    deletedBy: ['invoiceitem.deleted'],
    untold: 'changes',
  },
  '/v1/invoices': {
    coverage: 'all',
    types: named(
      'invoice',
      'created finalization_failed finalized marked_uncollectible overdue overpaid paid payment_action_required payment_attempt_required payment_failed payment_succeeded sent updated voided will_be_due',
    ),
    deletedBy: ['invoice.deleted'],
  },
  '/v1/plans': { coverage: 'all', types: named('plan', 'created updated'), deletedBy: ['plan.deleted'] },
  '/v1/prices': { coverage: 'all', types: named('price', 'created updated'), deletedBy: ['price.deleted'] },
  '/v1/products': { coverage: 'all', types: named('product', 'created updated'), deletedBy: ['product.deleted'] },
  '/v1/promotion_codes': { coverage: 'all', types: named('promotion_code', 'created updated') },
  '/v1/quotes': {
    coverage: 'some',
    types: named('quote', 'accepted canceled created finalized'),
    untold: 'changes of a draft, and of metadata',
  },
  '/v1/subscription_schedules': {
    coverage: 'all',
    types: named('subscription_schedule', 'aborted canceled completed created expiring released updated'),
  },
  '/v1/subscriptions': {
    coverage: 'all',
    // A deleted subscription is one that has ended: it stays in the list, canceled.
    types: named(
      'customer.subscription',
      'created deleted paused pending_update_applied pending_update_expired resumed trial_will_end updated',
    ),
  },
  '/v1/tax_ids': { coverage: 'none', types: [], untold: "they are about customers' tax ids" },
  '/v1/tax_rates': { coverage: 'all', types: named('tax_rate', 'created updated') },
  '/v1/issuing/authorizations': { coverage: 'all', types: named('issuing_authorization', 'created request updated') },
  '/v1/issuing/cardholders': { coverage: 'all', types: named('issuing_cardholder', 'created updated') },
  '/v1/issuing/cards': { coverage: 'all', types: named('issuing_card', 'created updated') },
  '/v1/issuing/disputes': {
    coverage: 'all',
    types: named('issuing_dispute', 'closed created funds_reinstated funds_rescinded submitted updated'),
  },
  '/v1/issuing/personalization_designs': {
    coverage: 'some',
    types: named('issuing_personalization_design', 'activated deactivated rejected updated'),
    untold: 'creation',
  },
  '/v1/issuing/tokens': { coverage: 'all', types: named('issuing_token', 'created updated'), parentIdIn: 'card' },
  '/v1/issuing/transactions': {
    coverage: 'all',
    types: named('issuing_transaction', 'created purchase_details_receipt_updated updated'),
  },
  '/v1/treasury/credit_reversals': {
    coverage: 'some',
    types: named('treasury.credit_reversal', 'created posted'),
    parentIdIn: 'financial_account',
    untold: 'cancellation',
  },
  '/v1/treasury/debit_reversals': {
    coverage: 'some',
    types: named('treasury.debit_reversal', 'completed created initial_credit_granted'),
    parentIdIn: 'financial_account',
    untold: 'cancellation',
  },
  '/v1/treasury/financial_accounts': {
    coverage: 'some',
    types: named('treasury.financial_account', 'closed created features_status_updated'),
    untold: 'changes of balance, nickname and metadata',
  },
  '/v1/treasury/inbound_transfers': {
    coverage: 'some',
    types: named('treasury.inbound_transfer', 'canceled created failed succeeded'),
    parentIdIn: 'financial_account',
    untold: 'that a transfer was returned',
  },
  '/v1/treasury/outbound_payments': {
    coverage: 'all',
    types: named(
      'treasury.outbound_payment',
      'canceled created expected_arrival_date_updated failed posted returned tracking_details_updated',
    ),
    parentIdIn: 'financial_account',
  },
  '/v1/treasury/outbound_transfers': {
    coverage: 'all',
    types: named(
      'treasury.outbound_transfer',
      'canceled created expected_arrival_date_updated failed posted returned tracking_details_updated',
    ),
    parentIdIn: 'financial_account',
  },
  '/v1/treasury/received_credits': {
    coverage: 'some',
    types: named('treasury.received_credit', 'created failed succeeded'),
    parentIdIn: 'financial_account',
    untold: 'that a credit was reversed',
  },
  '/v1/treasury/received_debits': {
    coverage: 'some',
    types: ['treasury.received_debit.created'],
    parentIdIn: 'financial_account',
    untold: 'that a debit was reversed',
  },
  '/v1/treasury/transaction_entries': { coverage: 'none', types: [], neverChanges: true },
};
