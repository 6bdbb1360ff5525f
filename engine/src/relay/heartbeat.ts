import { type EngineMessage, formatTimestamp, message as make, type ProgressPayload } from '@penstock/protocol';
import { reduceProgress } from '../reduce/progress.ts';
import type { Audience, Listener } from './listener.ts';

/** Longest silence about the progress of a run that goes on, in milliseconds. */
const HEARTBEAT_MS = 5_000;

/** How often it is looked at, in milliseconds. */
const LOOK_MS = 250;

/**
 * Repeats the progress of a run, with the time that has passed, when it has not changed for a while: so a program can tell a
 * source that is quiet from an engine that is stuck. Begins with the first progress and ends with `eof`.
 */
export class Heartbeat implements Audience {
  readonly #listener: Listener;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #last: ProgressPayload | undefined;
  #saidAt = 0;

  /** @param now milliseconds since 1970 */
  constructor(listener: Listener, now: () => number) {
    this.#listener = listener;
    this.#now = now;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  get failed(): AbortSignal {
    return this.#listener.failed;
  }

  say(message: EngineMessage): Promise<void> | undefined {
    if (message.type === 'progress') {
      this.#last = message.progress;
      this.#saidAt = this.#now();
    } else if (message.type === 'eof') this.#last = undefined;
    return this.#listener.say(message);
  }

  /** Says it when it is time to. For a listener that stalls it would only pile up (P4). */
  look(): void {
    const at = this.#now();
    // A clock that is set back makes it come early, not hours late.
    if (this.#last === undefined || this.#listener.isBusy || Math.abs(at - this.#saidAt) < HEARTBEAT_MS) return;
    const progress = reduceProgress(this.#last, { at, type: 'tick' });
    void this.say({ ...make.progress(progress), _emitted_by: 'engine', _ts: formatTimestamp(at) });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
