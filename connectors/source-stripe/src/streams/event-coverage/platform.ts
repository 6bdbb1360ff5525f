import { type EventRule, named } from './rule.ts';

/** What events tell of the account itself, of connected accounts, and of other products. */
export const platformCoverage: Readonly<Record<string, EventRule>> = {
  '/v1/accounts': {
    coverage: 'none',
    types: [],
    untold: "those about a connected account are in that account's own list of events",
  },
  '/v1/apps/installs': {
    coverage: 'all',
    types: named('apps.install', 'created updated'),
    deletedBy: ['apps.install.deleted'],
  },
  '/v1/climate/orders': {
    coverage: 'some',
    types: named('climate.order', 'canceled created delayed delivered product_substituted'),
    untold: 'changes of metadata and beneficiary',
  },
  '/v1/climate/products': {
    coverage: 'some',
    types: named('climate.product', 'created pricing_updated'),
    untold: 'changes of anything but the price',
  },
  '/v1/events': { coverage: 'none', types: [], neverChanges: true },
  '/v1/files': { coverage: 'some', types: ['file.created'], untold: 'files that Stripe did not make, and expiry' },
  '/v1/financial_connections/accounts': {
    coverage: 'some',
    types: named(
      'financial_connections.account',
      'account_numbers_updated created deactivated disconnected expected_deactivation_date_updated reactivated refreshed_balance refreshed_ownership refreshed_transactions supported_payment_method_types_updated upcoming_account_number_expiry upcoming_deactivation',
    ),
    untold: 'changes of what is subscribed to',
  },
  '/v1/identity/verification_sessions': {
    coverage: 'some',
    types: named('identity.verification_session', 'canceled created processing redacted requires_input verified'),
    untold: 'changes of metadata and options alone',
  },
  '/v1/reporting/report_runs': {
    coverage: 'some',
    types: named('reporting.report_run', 'failed succeeded'),
    untold: 'creation',
  },
  '/v1/reporting/report_types': {
    coverage: 'some',
    types: ['reporting.report_type.updated'],
    untold: 'new types',
  },
  '/v1/sigma/scheduled_query_runs': {
    coverage: 'some',
    types: ['sigma.scheduled_query_run.created'],
    untold: 'that a result has expired',
  },
  '/v1/terminal/readers': {
    coverage: 'some',
    types: named('terminal.reader', 'action_failed action_succeeded action_updated'),
    untold: 'creation, deletion, and changes other than those of an action',
  },
  '/v1/test_helpers/test_clocks': {
    coverage: 'all',
    types: named('test_helpers.test_clock', 'advancing created internal_failure ready'),
    deletedBy: ['test_helpers.test_clock.deleted'],
  },
  '/v2/core/events': { coverage: 'none', types: [], neverChanges: true },
};
