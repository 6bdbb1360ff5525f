import { setTimeout as delay } from 'node:timers/promises';
import {
  type EngineMessage,
  errorCodes,
  formatTimestamp,
  message as make,
  type ProgressPayload,
} from '@penstock/protocol';
import { nextCall } from './reduce/next-call.ts';
import { runSync, type SyncOptions, type SyncResult } from './sync.ts';

/** {@link SyncOptions}, and what a test does in place of waiting. */
export interface UntilDoneOptions extends SyncOptions {
  /** Waits so many milliseconds, or until the signal is aborted. Never rejects. */
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/**
 * Runs a pipeline and goes on with the same run until nothing is left to do, or nothing that another try could mend. To whoever
 * listens it is one run: one `catalog` at its beginning, one `eof` at its end, and a failure that is tried again is a log.
 * The limits and the signal are for all calls together. Never rejects.
 *
 * @returns how the last call ended
 */
export async function runUntilDone(options: UntilDoneOptions): Promise<SyncResult> {
  const now = options.now ?? Date.now;
  const pause = options.pause ?? pauseFor;
  const startedAt = now();
  let { runId, resetState } = options;
  let recordsLeft = options.recordLimit;
  let requestProgress: ProgressPayload | undefined;
  let before: ProgressPayload | undefined;
  let fruitless = 0;
  let saidCatalog = false;
  for (;;) {
    const held: EngineMessage[] = [];
    let hasBegun = false;
    const result = await runSync({
      ...options,
      runId,
      resetState,
      requestProgress,
      recordLimit: recordsLeft,
      timeLimitMs:
        options.timeLimitMs === undefined ? undefined : Math.max(1, options.timeLimitMs - (now() - startedAt)),
      onRun: (id) => {
        runId = id;
        hasBegun = true;
        options.onRun?.(id);
      },
      onRelayed: (counts, waitedMs) => {
        options.onRelayed?.(counts, waitedMs);
        if (recordsLeft === undefined) return;
        for (const { records } of counts.values()) recordsLeft -= records;
      },
      onMessage: (message) => {
        // What ends a call may be tried again; until that is known the listener isn't told that all is over.
        if (
          message.type === 'eof' ||
          (message.type === 'connection_status' && message.connection_status.status === 'failed')
        ) {
          held.push(message);
          return undefined;
        }
        if (message.type === 'catalog' && saidCatalog) return undefined;
        saidCatalog ||= message.type === 'catalog';
        return options.onMessage(message);
      },
    });
    const { eof } = result;
    const next = nextCall({ eof, isWorthRetry: isWorthRetry(result), hasBegun, before, fruitless });
    const isStopped = isAborted(options);
    const isOutOfTime = options.timeLimitMs !== undefined && now() - startedAt >= options.timeLimitMs;
    if (next.kind === 'over' || isStopped || isOutOfTime) return sayLast(options, held, result);
    // The state was forgotten once.
    resetState = false;
    requestProgress = eof.request_progress;
    if (hasBegun || before === undefined) before = eof.run_progress;
    fruitless = next.fruitless;
    await say(
      options,
      make.log({ level: next.delayMs === 0 ? 'info' : 'warn', ...whyAgain(result, next.delayMs) }),
      now(),
    );
    const remaining = options.timeLimitMs === undefined ? next.delayMs : options.timeLimitMs - (now() - startedAt);
    await pause(Math.min(next.delayMs, Math.max(0, remaining)), options.signal);
    if (isAborted(options) || remaining < next.delayMs) return sayLast(options, held, result);
  }
}

function isAborted({ signal, killSignal }: SyncOptions): boolean {
  return signal?.aborted === true || killSignal?.aborted === true;
}

function isWorthRetry({ error, eof }: SyncResult): boolean {
  if (error !== undefined) return errorCodes[error.code].retry !== 'never';
  return eof.run_progress.connection_status?.failure_type !== 'config';
}

function whyAgain({ error, eof }: SyncResult, delayMs: number): { message: string; data?: Record<string, unknown> } {
  const failed = Object.entries(eof.run_progress.streams).filter(([, { status }]) => status === 'errored');
  const why =
    error?.text.trim() ??
    eof.run_progress.connection_status?.message ??
    (failed.length > 0
      ? `Failed for now: ${failed.map(([name, { message }]) => `${name} (${message})`).join(', ')}.`
      : 'The source ended with more to do.');
  if (delayMs === 0) return { message: `${why} Going on with the run.` };
  return { message: `${why} Trying again in ${delayMs / 1000} s.`, data: { retry_in_ms: delayMs } };
}

async function say({ onMessage }: SyncOptions, message: EngineMessage, at: number): Promise<void> {
  await onMessage({ ...message, _emitted_by: 'engine', _ts: formatTimestamp(at) });
}

async function sayLast(
  { onMessage }: SyncOptions,
  held: readonly EngineMessage[],
  result: SyncResult,
): Promise<SyncResult> {
  for (const message of held) await onMessage(message);
  return result;
}
