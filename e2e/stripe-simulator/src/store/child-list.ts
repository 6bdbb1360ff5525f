import type { IdSpace } from '../object-id.ts';
import type { Shape } from '../object-shape.ts';
import { hashIndex, mix } from '../random.ts';
import type { TextWriter } from '../text-writer.ts';
import type { Listing } from './listing.ts';

/** Index = index of the parent × this + number under the parent. */
const slotsPerParent = 256;
/** Objects under one parent stand this far apart in time. */
const secondsApart = 60;

/** What the lists under all parents of one kind share. */
export type ChildKind = {
  path: string;
  object: string;
  seed: number;
  ids: IdSpace;
  shape: Shape;
  /** Where ids are well-known names, they are the same under each parent, and there are no more than these. */
  namedCount: number | undefined;
};

/** One parent with its list: few objects mostly, none at times, and for one in 400 more than a page holds. */
export class ChildList implements Listing {
  readonly ordered = true;
  readonly #kind: ChildKind;
  readonly #parent: { index: number; id: string; created: number };
  readonly #size: number;

  constructor(kind: ChildKind, parent: { index: number; id: string; created: number }) {
    this.#kind = kind;
    this.#parent = parent;
    this.#size = childCount(kind, parent.index);
  }

  size(): number {
    return this.#size;
  }

  floor(): number {
    return 0;
  }

  liveCount(): number {
    return this.#size;
  }

  isLive(): boolean {
    return true;
  }

  liveDownFrom(rank: number): number {
    return rank;
  }

  liveUpFrom(rank: number): number {
    return rank;
  }

  createdAt(rank: number): number {
    return this.#parent.created + Math.floor(rank / 2) * secondsApart;
  }

  /** The number of this object in the id space of its kind. */
  indexOf(rank: number): number {
    return this.#kind.namedCount === undefined ? this.#parent.index * slotsPerParent + rank : rank;
  }

  idAt(rank: number): string {
    return this.#kind.ids.idOf(this.indexOf(rank));
  }

  rankOf(id: string): number | undefined {
    const index = this.#kind.ids.indexOf(id);
    if (index === undefined) return undefined;
    const rank = this.#kind.namedCount === undefined ? index - this.#parent.index * slotsPerParent : index;
    return rank >= 0 && rank < this.#size ? rank : undefined;
  }

  write(rank: number, out: TextWriter): void {
    this.#kind.shape.write(this.#subject(rank), out);
  }

  field(rank: number, name: string): string | undefined {
    return this.#kind.shape.field(name, this.#subject(rank));
  }

  #subject(rank: number) {
    // The index of the parent goes in even where ids are names: the same name under two parents is two objects.
    const index = this.#parent.index * slotsPerParent + rank;
    return { index, id: this.idAt(rank), created: this.createdAt(rank), change: undefined, parentId: this.#parent.id };
  }
}

/** The parent's index and the number under it, from an index in the id space. */
export function parentIndexOf(index: number): number {
  return Math.floor(index / slotsPerParent);
}

function childCount(kind: ChildKind, parentIndex: number): number {
  const hash = hashIndex(mix(kind.seed, 7), parentIndex);
  const more = mix(hash, 1);
  const count =
    hash % 400 === 0
      ? 101 + (more % 60)
      : hash % 40 === 0
        ? 11 + (more % 30)
        : [0, 1, 1, 1, 1, 2, 2, 3, 4, 6][hash % 10];
  return Math.min(count as number, kind.namedCount ?? slotsPerParent);
}
