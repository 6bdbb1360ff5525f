import { ExitCode } from '@penstock/protocol';

/** How long an end on demand may take, in milliseconds, until this process leaves without it. */
const HARD_STOP_MS = 10_000;

/** How a run is asked to stop from outside. */
export interface StopSignals {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly soft: AbortSignal;
  /** Aborted by the second one. */
  readonly hard: AbortSignal;
  /** Signals do what they did before. */
  dispose(): void;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @param onStop told what to say to the user: that it stops, or that it kills */
export function listenForStop(onStop: (text: string) => void): StopSignals {
  const soft = new AbortController();
  const hard = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (soft.signal.aborted) {
      onStop(`${signal} again: killing both sides. What was saved stays.`);
      hard.abort();
      process.exitCode = ExitCode.stopped;
      exitAnyway();
      // The next one ends this process as it ends any other.
      ignore();
      return;
    }
    onStop(`${signal}: stopping; what is committed is saved. Once more to kill.`);
    soft.abort();
  };
  const ignore = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    soft: soft.signal,
    hard: hard.signal,
    dispose: ignore,
  };
}

/**
 * Does something short, which is given up at the first signal.
 *
 * @param work gets a signal that is aborted then; when it doesn't end by that, this process does
 */
export async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = listenForStop(() => {
    process.exitCode = ExitCode.stopped;
    exitAnyway();
  });
  try {
    return await work(stop.soft);
  } finally {
    stop.dispose();
  }
}

/** Ends this process, soon and with its exit code, even when something keeps it: a reader of stdout that has stalled. */
export function exitAnyway(): void {
  setTimeout(() => process.exit(), HARD_STOP_MS).unref();
}
