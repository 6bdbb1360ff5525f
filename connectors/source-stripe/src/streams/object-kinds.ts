import type { StripeStream } from './stream-table.ts';

/** What stands in `object` of the objects in lists that hold several kinds of them, by the name for all of them. */
const kindsTogether: Readonly<Record<string, readonly string[]>> = {
  external_account: ['bank_account', 'card'],
  payment_source: ['account', 'bank_account', 'card', 'source'],
};

/** What stands in `object` of the objects in the list. */
export function objectKinds({ object }: Pick<StripeStream, 'object'>): readonly string[] {
  return kindsTogether[object] ?? [object];
}
