import type { ConnectorLog } from '@penstock/connector-sdk';
import type { StripeStream } from '../../streams/stream-table.ts';
import type { ChildStream } from '../read-children.ts';

const plain = {
  version: 1,
  created: null,
  limit: 100,
  paging: 'starting_after',
  excluded: null,
  queries: [''],
  events: 'none',
  eventTypes: [],
  deletedBy: [],
} as const;

/** Invoices, each with the first page of its lines. */
export const invoices: StripeStream = {
  ...plain,
  name: 'invoices',
  path: '/v1/invoices',
  object: 'invoice',
  created: 'created',
  embeddedLists: [{ property: 'lines', path: '/v1/invoices/{id}/lines' }],
};

/** The list that is under each of them. */
export const invoiceLines: ChildStream = {
  ...plain,
  name: 'invoices_lines',
  path: '/v1/invoices/{id}/lines',
  object: 'line_item',
  parent: { path: '/v1/invoices', embedded: 'lines' },
};

/** A log that keeps its warnings and drops everything else. */
export function warningsLog(): ConnectorLog & { readonly warnings: unknown[][] } {
  const warnings: unknown[][] = [];
  return { warnings, debug() {}, info() {}, warn: (...args) => void warnings.push(args), error() {} };
}
