import type { Readable } from 'node:stream';

/** Who is waited for: the destination, which reads nothing, or whoever listens to the run, who takes no message. */
export type WaitReason = 'destination' | 'listener';

/** Milliseconds for each; where both are waited for at once, that time counts for both. */
export type WaitedMs = Readonly<Record<WaitReason, number>>;

/** Why a stream is not read at the moment; it is read on when no reason is left. Counts how long that was. */
export class Holds {
  readonly #stream: Readable;
  readonly #now: () => number;
  /** Since when, or until when it was counted last. */
  readonly #since = new Map<WaitReason, number>();
  #waitedMs: Record<WaitReason, number> = { destination: 0, listener: 0 };

  /** @param now milliseconds, from any moment on */
  constructor(stream: Readable, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  hold(reason: WaitReason): void {
    if (!this.#since.has(reason)) this.#since.set(reason, this.#now());
    this.#stream.pause();
  }

  release(reason: WaitReason): void {
    const since = this.#since.get(reason);
    if (since === undefined) return;
    this.#waitedMs[reason] += this.#now() - since;
    this.#since.delete(reason);
    if (this.#since.size === 0) this.#stream.resume();
  }

  has(reason: WaitReason): boolean {
    return this.#since.has(reason);
  }

  /** How long was waited since the last call, waits that go on included. */
  takeWaitedMs(): WaitedMs {
    const now = this.#now();
    const waited = this.#waitedMs;
    for (const [reason, since] of this.#since) {
      waited[reason] += now - since;
      this.#since.set(reason, now);
    }
    this.#waitedMs = { destination: 0, listener: 0 };
    return waited;
  }
}
