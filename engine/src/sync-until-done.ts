import { setTimeout as delay } from 'node:timers/promises';
import {
  type EngineMessage,
  errorCodes,
  formatTimestamp,
  type LogPayload,
  type MessageOf,
  message as make,
  type ProgressPayload,
} from '@penstock/protocol';
import { nextCall } from './reduce/next-call.ts';
import type { Audience } from './relay/listener.ts';
import { runCall, type SyncOptions, type SyncResult } from './sync.ts';
import { tellListener } from './tell-listener.ts';

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
  return tellListener(options, (audience) => runCalls(options, audience));
}

async function runCalls(options: UntilDoneOptions, audience: Audience): Promise<SyncResult> {
  const now = options.now ?? Date.now;
  const pause = options.pause ?? pauseFor;
  const startedAt = now();
  let { runId, resetState } = options;
  let recordsLeft = options.recordLimit;
  let requestProgress: ProgressPayload | undefined;
  let before: ProgressPayload | undefined;
  let fruitless = 0;
  let saidCatalog = false;
  const endPause = options.signal === undefined ? audience.failed : AbortSignal.any([options.signal, audience.failed]);
  for (;;) {
    const held: EngineMessage[] = [];
    let hasBegun = false;
    const call: SyncOptions = {
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
    };
    const say = (message: EngineMessage): Promise<void> | undefined => {
      // Until it is known whether it is tried again, the listener isn't told that all is over, or a stream of it.
      if (mayBeTriedAgain(message)) {
        held.push(message);
        return undefined;
      }
      if (message.type === 'catalog' && saidCatalog) return undefined;
      saidCatalog ||= message.type === 'catalog';
      return audience.say(message);
    };
    const result = await runCall(call, { say, failed: audience.failed });
    // Whoever is told nothing more has no use for another try.
    if (audience.failed.aborted) return result;
    const { eof } = result;
    const next = nextCall({ eof, isWorthRetry: isWorthRetry(result), hasBegun, before, fruitless });
    const isStopped = isAborted(options);
    const isOutOfTime = options.timeLimitMs !== undefined && now() - startedAt >= options.timeLimitMs;
    if (next.kind === 'over' || isStopped || isOutOfTime) return sayLast(audience, held, result);
    // The state was forgotten once.
    resetState = false;
    requestProgress = eof.request_progress;
    if (hasBegun || before === undefined) before = eof.run_progress;
    fruitless = next.fruitless;
    const failures = held.flatMap((message) => (message.type === 'stream_status' ? [failedForNow(message)] : []));
    const level = next.delayMs === 0 ? 'info' : 'warn';
    const logs = [...failures, { level, ...whyAgain(result, failures.length, next.delayMs) } as const];
    for (const log of logs) audience.say({ ...make.log(log), _emitted_by: 'engine', _ts: formatTimestamp(now()) });
    const remaining = options.timeLimitMs === undefined ? next.delayMs : options.timeLimitMs - (now() - startedAt);
    await pause(Math.min(next.delayMs, Math.max(0, remaining)), endPause);
    if (endPause.aborted || isAborted(options) || remaining < next.delayMs) return sayLast(audience, held, result);
  }
}

function isAborted({ signal, killSignal }: SyncOptions): boolean {
  return signal?.aborted === true || killSignal?.aborted === true;
}

function isWorthRetry({ error, eof }: SyncResult): boolean {
  if (error !== undefined) return errorCodes[error.code].retry !== 'never';
  return eof.run_progress.connection_status?.failure_type !== 'config';
}

function mayBeTriedAgain(message: EngineMessage): boolean {
  switch (message.type) {
    case 'eof':
      return true;
    case 'connection_status':
      return message.connection_status.status === 'failed';
    case 'stream_status': {
      const { stream_status: status } = message;
      return status.status === 'error' && status.failure_type !== 'config';
    }
    default:
      return false;
  }
}

function failedForNow({ stream_status: status }: MessageOf<'stream_status'>): LogPayload {
  const why = status.status === 'error' ? status.error : '';
  return { level: 'warn', stream: status.stream, message: `Failed for now: ${why}` };
}

function whyAgain({ error, eof }: SyncResult, failures: number, delayMs: number): Pick<LogPayload, 'message' | 'data'> {
  const failed = failures === 1 ? 'A stream failed for now.' : `${failures} streams failed for now.`;
  const why =
    error?.text.trim() ??
    eof.run_progress.connection_status?.message ??
    (failures > 0 ? failed : 'The source ended with more to do.');
  if (delayMs === 0) return { message: `${why} Going on with the run.` };
  return { message: `${why} Trying again in ${delayMs / 1000} s.`, data: { retry_in_ms: delayMs } };
}

function sayLast(audience: Audience, held: readonly EngineMessage[], result: SyncResult): SyncResult {
  for (const message of held) audience.say(message);
  return result;
}
