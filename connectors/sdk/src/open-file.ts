/** Files and named pipes by path. */
import { createReadStream, createWriteStream } from 'node:fs';
import { Socket } from 'node:net';
import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CodedError, isNamedPipe, openNamedPipe } from '@penstock/protocol';
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

function openPipe(what: string, path: string, end: 'read' | 'write', options: OpenOptions) {
  const { timeoutMs = PIPE_OPEN_MS, signal } = options;
  return openNamedPipe(path, end, { timeoutMs, signal }).catch((error: unknown) => {
    throw unreadable(what, path, error);
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
  if (await isNamedPipe(path)) return openPipe(what, path, 'read', options);
  return whenOpen(what, path, createReadStream(path, { highWaterMark: READ_BYTES }));
}

/** Opens a file (emptied when it exists) or named pipe to be written. @throws CodedError `file_unreadable` */
export async function openToWrite(what: string, path: string, options: OpenOptions = {}): Promise<Writable> {
  if (await isNamedPipe(path)) return openPipe(what, path, 'write', options);
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
  // A launcher that ends before it has anything to be done tells a connector that waits for it in this way.
  const reason = stream instanceof Socket ? 'whoever was to write it closed it without a word' : 'it is empty';
  throw new CodedError('file_unreadable', { message: `${what} ${path}: ${reason}.`, ...(remedy && { remedy }) });
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
