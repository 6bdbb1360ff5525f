import { join } from 'node:path';
import { declarationsOf } from './declarations.ts';
import { objectName, view } from './type-view.ts';

/** The event types that Stripe sends about one kind of object, by what happened. */
export type EventTypes = { created?: string; updated?: string; deleted?: string };

/**
 * Where Stripe's names don't say created, updated or deleted, or where several types would do: what a creation, a change
 * and a removal are called.
 */
const named: Record<string, EventTypes> = {
  charge: { created: 'charge.succeeded', updated: 'charge.updated' },
  dispute: { created: 'charge.dispute.created', updated: 'charge.dispute.updated' },
  payment_method: {
    created: 'payment_method.attached',
    updated: 'payment_method.updated',
    deleted: 'payment_method.detached',
  },
  refund: { created: 'refund.created', updated: 'refund.updated' },
  review: { created: 'review.opened', updated: 'review.closed' },
  application_fee: { created: 'application_fee.created', updated: 'application_fee.refunded' },
  account: { updated: 'account.updated' },
  card: { created: 'customer.source.created', updated: 'customer.source.updated', deleted: 'customer.source.deleted' },
  person: { created: 'person.created', updated: 'person.updated', deleted: 'person.deleted' },
};

/** Reads every event type of the package with the object it is about. */
export function eventTypes(packageFolder: string): Record<string, EventTypes> {
  const file = join(packageFolder, 'cjs/resources/Events.d.ts');
  const info = declarationsOf(file);
  const found: Record<string, EventTypes> = {};
  for (const [name, { members, scope }] of info.interfaces) {
    if (!name.endsWith('Event')) continue;
    const typeMember = members.find((m) => m.name === 'type');
    const literal = typeMember ? view({ node: typeMember.type, file, scope }) : undefined;
    const type = literal?.kind === 'enum' ? String(literal.values[0]) : undefined;
    const object = info.interfaces.get(`${name}.Data`)?.members.find((m) => m.name === 'object');
    const of = object ? objectName(view({ node: object.type, file, scope: `${name}.Data` })) : undefined;
    const what = /\.(created|updated|deleted)$/.exec(type ?? '')?.[1] as keyof EventTypes | undefined;
    if (!type || !of || !what || (of in named && !named[of]?.[what])) continue;
    const entry = found[of] ?? {};
    found[of] = entry;
    const chosen = named[of]?.[what];
    if (chosen === undefined && (entry[what] === undefined || type.length < (entry[what]?.length ?? 0)))
      entry[what] = type;
  }
  for (const [object, types] of Object.entries(named)) if (Object.keys(types).length > 0) found[object] = types;
  return found;
}
