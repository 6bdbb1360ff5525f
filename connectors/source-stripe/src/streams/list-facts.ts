import type { JsonSchema } from '@penstock/protocol';

/** A parameter of a list's query. */
export interface ListParameter {
  readonly name: string;
  readonly required: boolean;
  /** The largest number that may be asked for; null where nothing is said. */
  readonly maximum: number | null;
}

/** A property that is itself a list. */
export interface ListProperty {
  readonly property: string;
  /** Stripe's names for the objects in it, sorted. */
  readonly kinds: readonly string[];
}

/** The objects in a list. */
export interface ElementFacts {
  /** Stripe's names for them, sorted: several where the list holds objects of several kinds. */
  readonly kinds: readonly string[];
  /** By name, as JSON Schema; of objects of several kinds, those of all kinds. */
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly lists: readonly ListProperty[];
}

/** What a description of Stripe's API says of one list, whatever the description is written in. */
export interface ListFacts {
  /** With `{id}` where an id belongs, see {@link plainPath}. */
  readonly path: string;
  readonly kind: 'list' | 'search';
  /** Parameters of the query, those of pagination among them. */
  readonly parameters: readonly ListParameter[];
  /** Read only for lists that become streams. @throws Error when the objects are described in a way that is not understood */
  element(): ElementFacts;
}

/** A path with `{id}` in the place of each id, whatever the description calls it: the form in which rules name paths. */
export function plainPath(path: string): string {
  return path.replace(/\{\w+\}/g, '{id}');
}

/** 1 or 2: the API that a path belongs to. */
export function versionOf(path: string): 1 | 2 {
  return path.startsWith('/v2/') ? 2 : 1;
}
