import type { StripeEvent } from './event.ts';
import type { EventPosition } from './position.ts';

/** Objects of different kinds may have the same id. */
function objectOf({ snapshot }: StripeEvent): string {
  return `${snapshot.kind} ${snapshot.id}`;
}

/**
 * Finds, page by page through a pass, which events are to be applied for the streams that stood at one position.
 *
 * An event can show after others that stand behind it in the list were applied. Where one of those is of the same object
 * and the same second, nothing but the order of arrival says which of the two is newer; so it is applied once more, after
 * the late one.
 */
export class UnappliedEvents {
  readonly #from: EventPosition;
  readonly #isContinued: boolean;
  readonly #seen: ReadonlySet<string>;
  /** Objects of which an event of the present second was found to be unapplied. */
  readonly #changed = new Set<string>();
  #second = Number.NEGATIVE_INFINITY;

  /**
   * @param from where the streams stood when the pass began
   * @param isContinued whether the pass began right after the anchor of that position. Then what is older than the
   * position and comes all the same showed later than Stripe takes at the most; otherwise it is applied already.
   */
  constructor(from: EventPosition, isContinued: boolean) {
    this.#from = from;
    this.#isContinued = isContinued;
    this.#seen = new Set(from.seen);
  }

  /** @param events the next page, oldest first */
  ofPage(events: readonly StripeEvent[]): ReadonlySet<StripeEvent> {
    const unapplied = new Set<StripeEvent>();
    for (const event of events) {
      if (event.created !== this.#second) this.#changed.clear();
      this.#second = event.created;
      if (event.created < this.#from.through && !this.#isContinued) continue;
      if (this.#seen.has(event.id) && !this.#changed.has(objectOf(event))) continue;
      unapplied.add(event);
      if (this.#seen.size > 0) this.#changed.add(objectOf(event));
    }
    return unapplied;
  }
}
