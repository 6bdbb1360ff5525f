import type { ElementFacts, ListFacts, ListProperty } from './list-facts.ts';
import { streamRules } from './stream-rules.ts';
import type { EmbeddedList } from './stream-table.ts';

/** A list that is read, as far as embedded lists are concerned. */
export interface KnownList {
  readonly facts: ListFacts;
  readonly element: ElementFacts;
  /** Path of the list that holds its parents. */
  readonly parent: string | undefined;
}

function sameKinds(a: { readonly kinds: readonly string[] }, b: { readonly kinds: readonly string[] }): boolean {
  return a.kinds.join() === b.kinds.join();
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * Whether a property of the parent is the beginning of a list under it: it holds the same kind of objects, and is either
 * named like the list or, for a list whose parent is named in the query and which so has no such name, the only one.
 */
function begins(property: ListProperty, parent: ElementFacts, list: KnownList): boolean {
  if (!sameKinds(property, list.element)) return false;
  if (streamRules[list.facts.path]?.under === undefined) return property.property === lastPart(list.facts.path);
  return parent.lists.filter((other) => sameKinds(other, list.element)).length === 1;
}

/**
 * The property of the parent that holds the first page of a list under it.
 *
 * @param known every list that is read
 * @returns null where no property does
 */
export function embeddedProperty(path: string, known: readonly KnownList[]): string | null {
  const list = known.find(({ facts }) => facts.path === path);
  const parent = known.find(({ facts }) => facts.path === list?.parent);
  if (list === undefined || parent === undefined) return null;
  return parent.element.lists.find((property) => begins(property, parent.element, list))?.property ?? null;
}

/** Where the rest of an embedded list is: a list under the object, or a list that can be asked for those of the object. */
function pathOfRest(
  path: string,
  element: ElementFacts,
  property: ListProperty,
  known: readonly KnownList[],
): string | undefined {
  const under = known.find((list) => list.parent === path && begins(property, element, list));
  if (under !== undefined) {
    const parameter = streamRules[under.facts.path]?.under?.parameter;
    return parameter === undefined ? under.facts.path : `${under.facts.path}?${parameter}={id}`;
  }
  // A parameter is named like the object, without what groups it with others: `value_list` of `radar.value_list`.
  const parameter = element.kinds[0]?.split('.').at(-1);
  const filtered = known.find(
    (list) =>
      list.parent === undefined &&
      sameKinds(property, list.element) &&
      list.facts.parameters.some(({ name }) => name === parameter),
  );
  return filtered === undefined ? undefined : `${filtered.facts.path}?${parameter}={id}`;
}

/**
 * The lists that objects of a list hold, with where the rest of each is. One whose rest is nowhere is left out.
 *
 * @param known every list that is read
 */
export function embeddedLists(path: string, element: ElementFacts, known: readonly KnownList[]): EmbeddedList[] {
  return element.lists.flatMap((property) => {
    const rest = pathOfRest(path, element, property, known);
    return rest === undefined ? [] : [{ property: property.property, path: rest }];
  });
}
