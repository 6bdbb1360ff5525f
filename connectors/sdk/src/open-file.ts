/**
 * Files and named pipes by path. Opening a named pipe waits in a libuv thread until the other end is opened, of which
 * there are four; so it is ended after a time by opening the other end here for a moment.
 */
import { close, constants, createReadStream, createWriteStream, open } from 'node:fs';
import { open as openHandle, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CodedError } from '@penstock/protocol';
import { FILE_BYTES_MAX, PIPE_OPEN_MS } from './limit.ts';

const READ_BYTES = 256 * 1024;

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ENOSPC: 'no space is left',
  EROFS: 'the file system is read-only',
};

function unreadable(what: string, path: string, cause: unknown): CodedError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = reasons[code] ?? (cause as Error).message;
  return new CodedError('file_unreadable', { message: `${what} ${path}: ${reason}.`, cause });
}

/** How long to wait for a pipe's other end, and what ends the waiting sooner. */
export interface OpenOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** What to do about a file with nothing in it; the usual remedy when absent. */
  readonly remedyWhenEmpty?: string;
}

async function isNamedPipe(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFIFO();
  } catch {
    // It need not exist yet; if it must, opening says so better.
    return false;
  }
}

/** @returns the file descriptor, for a socket that reads or writes without blocking */
function openNamedPipe(what: string, path: string, flag: number, options: OpenOptions): Promise<number> {
  const { timeoutMs = PIPE_OPEN_MS, signal } = options;
  return new Promise((resolve, reject) => {
    let refused: CodedError | undefined;
    const giveUp = (message: string): void => {
      refused = new CodedError('file_unreadable', { message });
      const otherEnd = flag === constants.O_RDONLY ? constants.O_WRONLY : constants.O_RDONLY;
      // Wakes the waiting open; it fails only when that one has come back meanwhile.
      void openHandle(path, otherEnd | constants.O_NONBLOCK).then(
        (handle) => handle.close(),
        () => undefined,
      );
    };
    const timer = setTimeout(() => {
      const missing = flag === constants.O_RDONLY ? 'nobody opened it for writing' : 'nobody opened it for reading';
      giveUp(`${what} ${path}: ${missing} within ${timeoutMs / 1000} s.`);
    }, timeoutMs);
    const onAbort = (): void => giveUp(`${what} ${path}: asked to stop while waiting for the other end.`);
    signal?.addEventListener('abort', onAbort, { once: true });
    open(path, flag, (error, fd) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (refused === undefined && error === null) return resolve(fd);
      if (error === null) close(fd, () => undefined);
      reject(refused ?? unreadable(what, path, error));
    });
    if (signal?.aborted === true) onAbort();
  });
}

function whenOpen<Stream extends Readable | Writable>(what: string, path: string, stream: Stream): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(unreadable(what, path, error));
    stream.once('error', onError);
    stream.once('open', () => {
      stream.off('error', onError);
      resolve(stream);
    });
  });
}

/**
 * Opens a file or named pipe to be read.
 *
 * @param what how to call it in a message, e.g. `Input file`
 * @throws CodedError `file_unreadable`
 */
export async function openToRead(what: string, path: string, options: OpenOptions = {}): Promise<Readable> {
  if (await isNamedPipe(path)) {
    const fd = await openNamedPipe(what, path, constants.O_RDONLY, options);
    return new Socket({ fd, readable: true, writable: false });
  }
  return whenOpen(what, path, createReadStream(path, { highWaterMark: READ_BYTES }));
}

/** Opens a file (emptied when it exists) or named pipe to be written. @throws CodedError `file_unreadable` */
export async function openToWrite(what: string, path: string, options: OpenOptions = {}): Promise<Writable> {
  if (await isNamedPipe(path)) {
    const fd = await openNamedPipe(what, path, constants.O_WRONLY, options);
    return new Socket({ fd, readable: false, writable: true });
  }
  return whenOpen(what, path, createWriteStream(path));
}

/** Ends a stream that {@link openToWrite} opened; resolves when all of it is written. */
export async function closeWritten(stream: Writable): Promise<void> {
  stream.end();
  await finished(stream, { readable: false }).catch(() => undefined);
  stream.destroy();
}

/**
 * What is in a file or named pipe, a part at a time.
 *
 * @throws CodedError `file_unreadable`, also when it is empty
 */
export async function* readChunks(
  what: string,
  path: string,
  options: OpenOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const stream = await openToRead(what, path, options);
  // Whoever writes into a pipe may take its time.
  if (options.signal !== undefined) addAbortSignal(options.signal, stream);
  let isEmpty = true;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      isEmpty = false;
      yield chunk;
    }
  } catch (error) {
    throw unreadable(what, path, error);
  }
  if (!isEmpty) return;
  const remedy = options.remedyWhenEmpty;
  throw new CodedError('file_unreadable', { message: `${what} ${path}: it is empty.`, ...(remedy && { remedy }) });
}

/** All chunks as one. @throws CodedError `file_invalid` over {@link FILE_BYTES_MAX} */
export async function readToEnd(what: string, chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > FILE_BYTES_MAX) refuseLarge(what);
    kept.push(chunk);
  }
  return Buffer.concat(kept, bytes);
}

/** @throws CodedError `file_invalid` */
export function refuseLarge(what: string): never {
  throw new CodedError('file_invalid', { message: `${what} is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB.` });
}

/** A whole file. @throws CodedError as {@link readChunks} and {@link readToEnd} */
export function readFileWhole(what: string, path: string, options: OpenOptions = {}): Promise<Buffer> {
  return readToEnd(`${what} ${path}`, readChunks(what, path, options));
}
