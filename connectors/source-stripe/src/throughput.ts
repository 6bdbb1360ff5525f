/** Width of a slot, in milliseconds. */
const SLOT_MS = 20;
/** How far back is remembered, in milliseconds. */
export const THROUGHPUT_MS = 4000;
const SLOTS = THROUGHPUT_MS / SLOT_MS + 1;

/**
 * How many requests of the last {@link THROUGHPUT_MS} were let through, by the time at which they were sent. Pure: the
 * time comes in, and never goes back.
 */
export class Throughput {
  /** By slot number modulo {@link SLOTS}: sent, less what was refused. */
  readonly #passed = new Array<number>(SLOTS).fill(0);
  #newest = 0;

  #slotOf(atMs: number): number {
    return Math.floor(atMs / SLOT_MS);
  }

  #moveTo(slot: number): void {
    const first = Math.max(this.#newest + 1, slot - SLOTS + 1);
    for (let n = first; n <= slot; n++) this.#passed[n % SLOTS] = 0;
    this.#newest = Math.max(this.#newest, slot);
  }

  #add(atMs: number, count: number): void {
    const slot = this.#slotOf(atMs);
    this.#moveTo(slot);
    if (slot > this.#newest - SLOTS) this.#passed[slot % SLOTS] = (this.#passed[slot % SLOTS] ?? 0) + count;
  }

  /** A request is sent. */
  sent(atMs: number): void {
    this.#add(atMs, 1);
  }

  /** What was sent then doesn't count: it was refused, or not sent after all. */
  takeBack(atMs: number): void {
    this.#add(atMs, -1);
  }

  /** Requests that were sent from one time on, up to and with another, and not refused so far. */
  passed(fromMs: number, toMs: number): number {
    let sum = 0;
    const first = Math.max(this.#slotOf(fromMs), this.#newest - SLOTS + 1);
    const last = Math.min(this.#slotOf(toMs), this.#newest);
    for (let n = first; n <= last; n++) sum += this.#passed[n % SLOTS] ?? 0;
    return sum;
  }
}
