/**
 * Named pipes by path. Opening one waits until the other end is opened too; here that wait ends after a time or when it is
 * told to, and none of the four threads that Node has for files is lost to it.
 */
import { close, closeSync, constants, open, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How often a pipe is looked at whose other end is not there yet, in milliseconds. */
const LOOK_AGAIN_MS = 20;

/** How long to wait for a pipe's other end. */
export interface NamedPipeWait {
  /** May be infinite. */
  readonly timeoutMs: number;
  /** Ends the waiting sooner. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether there is a named pipe at a path. Never rejects. */
export async function isNamedPipe(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFIFO();
  } catch {
    return false;
  }
}

/**
 * Opens one end of a named pipe. Whoever reads sees the end when the last writer is gone.
 *
 * @throws Error with the code `ETIMEDOUT` or `ABORT_ERR` and a message that can follow the path, or the system's error
 */
export async function openNamedPipe(path: string, end: 'read' | 'write', wait: NamedPipeWait): Promise<Socket> {
  const fd = end === 'read' ? await openReader(path, wait) : await openWriter(path, wait);
  // A socket: reading and writing block no thread either.
  return new Socket({ fd, readable: end === 'read', writable: end === 'write' });
}

function timedOut(missing: string, { timeoutMs }: NamedPipeWait): Error {
  return Object.assign(new Error(`nobody opened it for ${missing} within ${timeoutMs / 1000} s`), {
    code: 'ETIMEDOUT',
  });
}

function aborted(): Error {
  return Object.assign(new Error('asked to stop while waiting for the other end'), { code: 'ABORT_ERR' });
}

/** Opens it for writing if somebody reads it. Never waits. */
function tryOpenWriter(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // POSIX, open: there is no reader.
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw error;
  }
}

async function openWriter(path: string, wait: NamedPipeWait): Promise<number> {
  const deadline = performance.now() + wait.timeoutMs;
  for (;;) {
    if (wait.signal?.aborted === true) throw aborted();
    const fd = tryOpenWriter(path);
    if (fd !== undefined) return fd;
    if (performance.now() >= deadline) throw timedOut('reading', wait);
    await delay(LOOK_AGAIN_MS, undefined, wait.signal && { signal: wait.signal }).catch(() => undefined);
  }
}

/**
 * Without waiting a reader gets its end at once, and can't tell a writer that has not come yet from one that has gone. So
 * this one waits, in a thread, and is woken by a writer of our own when it is to wait no longer.
 */
function openReader(path: string, wait: NamedPipeWait): Promise<number> {
  const { timeoutMs, signal } = wait;
  return new Promise((resolve, reject) => {
    let refused: Error | undefined;
    let waking: NodeJS.Timeout | undefined;
    const wake = (): void => {
      try {
        const fd = tryOpenWriter(path);
        if (fd !== undefined) closeSync(fd);
      } catch {
        // It is not there any more; then the other call fails too.
      }
    };
    const giveUp = (reason: Error): void => {
      if (refused !== undefined) return;
      refused = reason;
      wake();
      // Again, should the thread not have come to it yet.
      waking = setInterval(wake, LOOK_AGAIN_MS);
    };
    const timer = Number.isFinite(timeoutMs)
      ? setTimeout(() => giveUp(timedOut('writing', wait)), timeoutMs)
      : undefined;
    const onAbort = (): void => giveUp(aborted());
    signal?.addEventListener('abort', onAbort, { once: true });
    open(path, constants.O_RDONLY, (error, fd) => {
      clearTimeout(timer);
      clearInterval(waking);
      signal?.removeEventListener('abort', onAbort);
      if (refused === undefined && error === null) return resolve(fd);
      if (error !== null) return reject(refused ?? error);
      // Closed before anyone is told: until then whoever opens it for writing takes this for a reader.
      close(fd, () => reject(refused!));
    });
    if (signal?.aborted === true) onAbort();
  });
}
