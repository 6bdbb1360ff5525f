import { isOptionalStream, type Stream } from '@penstock/protocol';
import { pathOf } from '../source-program.ts';
import type { Case, CaseStream } from './cases.ts';

/** The list of all cases but the one of many. */
const singlePath = '/v1/charges';
const manyCount = 80;

/** Lists of v2 have their own limit, which Stripe's description gives for most as 20. */
const pageLimits = { v1: 100, v2: 20 } as const;

/** Of a thousand objects, about: how large the lists of a company that sells subscriptions are beside each other. */
const weights: Readonly<Record<string, number>> = {
  '/v1/balance_transactions': 190,
  '/v1/payment_intents': 150,
  '/v1/charges': 140,
  '/v1/invoices': 100,
  '/v1/customers': 100,
  '/v1/payment_methods': 80,
  '/v1/checkout/sessions': 50,
  '/v1/invoiceitems': 40,
  '/v1/invoice_payments': 35,
  '/v1/setup_intents': 25,
  '/v1/refunds': 20,
  '/v1/credit_notes': 10,
  '/v1/payouts': 8,
  '/v1/transfers': 8,
  '/v2/core/events': 8,
  '/v1/disputes': 5,
  '/v1/plans': 4,
  '/v1/products': 4,
  // Never used by most.
  '/v1/climate/orders': 0,
  '/v1/climate/products': 0,
  '/v1/climate/suppliers': 0,
  '/v1/issuing/physical_bundles': 0,
  '/v1/sigma/scheduled_query_runs': 0,
  '/v1/three_d_secure/authentications': 0,
  '/v2/commerce/product_catalog/imports': 0,
};
const usualWeight = 1;

/** Lists of which the number of requests would not follow from the number of objects, or can't be counted. */
const leftOut: ReadonlySet<string> = new Set([
  // The source reads these for the changes too.
  '/v1/events',
  // Only a parameter, or one part after the other, brings all objects.
  '/v1/prices',
  '/v1/subscriptions',
  '/v1/tax/locations',
  '/v1/tax/registrations',
  '/v1/tax_rates',
  '/v2/core/accounts',
  '/v2/money_management/financial_accounts',
  // The only one of v2 with pages of 100.
  '/v2/money_management/payout_intents',
  // Names that everybody knows: there can't be more of them than there are.
  '/v1/country_specs',
  '/v1/exchange_rates',
  '/v1/reporting/report_types',
]);

/** The lists that a case reads, and how many objects are in each. @throws Error when the source lacks one of them */
export function listsOf({ distribution, objects }: Case, discovered: readonly Stream[]): readonly CaseStream[] {
  if (distribution !== '80-streams') {
    const stream = discovered.find((each) => pathOf(each) === singlePath);
    if (stream === undefined) throw new Error(`The source has no stream for ${singlePath}`);
    return [listOf(stream, objects)];
  }
  const chosen = discovered
    .filter((stream) => !isOptionalStream(stream) && !leftOut.has(pathOf(stream)))
    .slice(0, manyCount);
  if (chosen.length < manyCount) throw new Error(`The source has ${chosen.length} streams for this, not ${manyCount}`);
  const weightOf = (stream: Stream): number => weights[pathOf(stream)] ?? usualWeight;
  const sum = chosen.reduce((total, stream) => total + weightOf(stream), 0);
  const sizes = chosen.map((stream) => Math.floor((objects * weightOf(stream)) / sum));
  const rest = objects - sizes.reduce((total, size) => total + size, 0);
  const largest = sizes.indexOf(Math.max(...sizes));
  return chosen.map((stream, index) => listOf(stream, sizes[index]! + (index === largest ? rest : 0)));
}

function listOf(stream: Stream, objects: number): CaseStream {
  const path = pathOf(stream);
  return {
    stream,
    path,
    objects,
    pageLimit: path.startsWith('/v2/') ? pageLimits.v2 : pageLimits.v1,
    canSplit: stream.supports_time_range === true,
  };
}
