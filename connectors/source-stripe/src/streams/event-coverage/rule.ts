import type { EventCoverage } from '../stream-table.ts';

/** What events tell of the objects of one list. */
export interface EventRule {
  /** `all` only where every creation, change and deletion makes an event. */
  readonly coverage: EventCoverage;
  /** Event types that carry an object of the list as it is afterwards. */
  readonly types: readonly string[];
  /** Event types after which the object is gone, or no longer in the list. Not among `types`. */
  readonly deletedBy?: readonly string[];
  /** Once made, an object stays as it is and stays in the list. */
  readonly neverChanges?: true;
  /** For a list under a parent: the property that holds the parent's id. An object without one is in no such list. */
  readonly parentIdIn?: string;
  /** What no event tells, where the coverage is `some`. Where it is `none`: why, where events seem to tell something. */
  readonly untold?: string;
}

/** The event types of one kind of object: `named('coupon', 'created updated')` are `coupon.created` and `coupon.updated`. */
export function named(prefix: string, endings: string): readonly string[] {
  return endings.split(' ').map((ending) => `${prefix}.${ending}`);
}
