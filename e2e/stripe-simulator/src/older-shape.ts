import type { FieldNaming } from './object-shape.ts';

/** The API version that the account had before its upgrade; some events were made under it. */
export const olderApiVersion = '2019-09-09';

/** What Stripe's upgrade notes of 2019-10-17 renamed: the field of today, and what it was called. */
const formerNames: Record<string, Readonly<Record<string, string>>> = {
  customer: { balance: 'account_balance' },
  invoice: { collection_method: 'billing' },
  subscription: { collection_method: 'billing' },
};

/** Fields that every version has. */
const always: ReadonlySet<string> = new Set(['id', 'object', 'created', 'livemode', 'metadata', 'status', 'updated']);

/**
 * How objects looked before the upgrade: one field has another name, or, where no such change is known, the last one
 * did not exist yet.
 */
export function olderNaming(object: string, fieldNames: readonly string[]): FieldNaming {
  const former = formerNames[object];
  if (former) return (field) => former[field] ?? field;
  const lacking = fieldNames.findLast((field) => !always.has(field));
  return (field) => (field === lacking ? undefined : field);
}
