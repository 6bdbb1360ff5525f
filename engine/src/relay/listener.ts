import { setTimeout as delay } from 'node:timers/promises';
import { CodedError, type EngineMessage } from '@penstock/protocol';

/** Where a run says its messages. */
export interface Audience {
  /** Never throws. @returns something to wait for before much more is said; it never rejects */
  say(message: EngineMessage): Promise<void> | undefined;
  /** Aborts, with a CodedError as its reason, when nothing can be said any more. The run should end then. */
  readonly failed: AbortSignal;
}

/**
 * Stands between a run and the function that is given its messages, which is the caller's own and may throw, or return a
 * promise that rejects. Either is the last that it is asked for.
 */
export class Listener implements Audience {
  readonly #onMessage: (message: EngineMessage) => unknown;
  readonly #failed = new AbortController();
  /** By what it returned: one promise may stand for many messages. */
  readonly #waits = new Map<PromiseLike<unknown>, PromiseWithResolvers<void>>();

  constructor(onMessage: (message: EngineMessage) => Promise<void> | undefined) {
    this.#onMessage = onMessage;
  }

  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** It has not yet taken all that it was given. */
  get isBusy(): boolean {
    return this.#waits.size > 0;
  }

  say(message: EngineMessage): Promise<void> | undefined {
    if (this.failed.aborted) return undefined;
    try {
      const given = this.#onMessage(message);
      return isPromise(given) ? this.#wait(given, message) : undefined;
    } catch (thrown) {
      this.#fail(message, thrown);
      return undefined;
    }
  }

  /**
   * Resolves when it has taken everything, or failed. Never rejects.
   *
   * @param limitMs longest wait
   * @param giveUp ends the wait
   */
  async whenQuiet(limitMs: number, giveUp: AbortSignal | undefined): Promise<void> {
    if (!this.isBusy) return;
    const quiet = new AbortController();
    void Promise.all([...this.#waits.values()].map(({ promise }) => promise)).then(() => quiet.abort());
    const signal = giveUp === undefined ? quiet.signal : AbortSignal.any([quiet.signal, giveUp]);
    await delay(limitMs, undefined, { signal }).catch(() => undefined);
  }

  #wait(given: PromiseLike<unknown>, message: EngineMessage): Promise<void> {
    const known = this.#waits.get(given);
    if (known !== undefined) return known.promise;
    const wait = Promise.withResolvers<void>();
    this.#waits.set(given, wait);
    const done = (): void => {
      this.#waits.delete(given);
      wait.resolve();
    };
    Promise.resolve(given).then(done, (thrown) => {
      this.#fail(message, thrown);
      done();
    });
    return wait.promise;
  }

  #fail({ type }: EngineMessage, cause: unknown): void {
    if (this.failed.aborted) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    const error = new CodedError('internal', {
      message: `The listener (onMessage) failed on a message of the type "${type}": ${why}`,
      remedy: 'Mend the listener, then run again: what was committed is saved.',
      cause,
    });
    // Nobody waits any more for what it has not taken: both sides have to come to their ends.
    const waits = [...this.#waits.values()];
    this.#waits.clear();
    this.#failed.abort(error);
    for (const wait of waits) wait.resolve();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
