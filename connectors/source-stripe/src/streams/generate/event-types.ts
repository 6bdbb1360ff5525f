import { child, memberTypes, type Property, propertiesOfType, type TypeSite } from './declarations.ts';
import { readListMethods } from './list-methods.ts';
import { kindsOf } from './package-facts.ts';

function typeOf(properties: readonly Property[], name: string): TypeSite {
  const found = properties.find((property) => property.name === name);
  if (found === undefined) throw new Error(`an event has no property ${name}`);
  return found.type;
}

/**
 * Every event type of the `stripe` package, with Stripe's names for the objects that events of this type carry.
 *
 * @param packageRoot folder of the package
 * @throws Error when the events are written in a way that is not understood
 */
export function readEventTypes(packageRoot: string): ReadonlyMap<string, readonly string[]> {
  const events = readListMethods(packageRoot).find((method) => method.path === '/v1/events');
  if (events === undefined) throw new Error('the package has no events');
  return new Map(
    memberTypes(events.element).map((event) => {
      const properties = propertiesOfType(event);
      const data = propertiesOfType(typeOf(properties, 'data'));
      return [child(typeOf(properties, 'type').node, 'literal').value as string, kindsOf(typeOf(data, 'object'))];
    }),
  );
}
