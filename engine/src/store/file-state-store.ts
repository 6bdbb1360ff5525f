import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CodedError, type SyncState } from '@penstock/protocol';
import * as z from 'zod';
import { CoalescedSaves } from './coalesce-saves.ts';
import { type FileLock, fileLockHolder, removeLockDrafts, takeFileLock } from './file-lock.ts';
import { encodeStreamState, parseState, parseStateJson } from './parse-state.ts';
import type { PipelineSummary, StateSession, StateStore } from './state-store.ts';
import { streamsOf, withoutStreams } from './streams-of-state.ts';

/** What follows the name of the state file in that of a draft. */
const DRAFT_SUFFIX = /^\.[0-9a-f-]{36}\.draft$/;

/** State of one pipeline in a JSON file: SyncState and, beside it, the name of the pipeline. */
class FileStateStore implements StateStore {
  readonly place: string;
  readonly #path: string;
  readonly #lockPath: string;

  constructor(path: string) {
    this.#path = resolve(path);
    this.#lockPath = `${this.#path}.lock`;
    this.place = `file ${this.#path}`;
  }

  async load(pipeline: string): Promise<SyncState | undefined> {
    const value = await this.#read();
    if (value === undefined) return undefined;
    this.#refuseOther(pipeline, value);
    return parseState(value, this.place);
  }

  async open(pipeline: string): Promise<StateSession> {
    const lock = await this.#lock(pipeline);
    try {
      await this.#removeDrafts();
      return new FileStateSession(await this.load(pipeline), lock, (state) => this.#write(pipeline, state));
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async list(): Promise<PipelineSummary[]> {
    const value = await this.#read();
    if (value === undefined) return [];
    const state = parseState(value, this.place);
    const holder = await fileLockHolder(this.#lockPath);
    const { mtime } = await stat(this.#path);
    return [
      {
        pipeline: pipelineOf(value) ?? this.#path,
        updatedAt: mtime.toISOString(),
        streamCount: Object.keys(state.source.streams).length,
        ...(holder === undefined ? {} : { holder }),
      },
    ];
  }

  reset(pipeline: string): Promise<boolean> {
    return this.#locked(pipeline, () => this.#remove(pipeline));
  }

  resetStreams(pipeline: string, streams: readonly string[]): Promise<string[]> {
    return this.#locked(pipeline, async () => {
      const state = await this.load(pipeline);
      if (state === undefined) return [];
      const known = streamsOf(state);
      const found = streams.filter((name) => known.includes(name));
      if (found.length > 0) await this.#write(pipeline, withoutStreams(state, found));
      return found;
    });
  }

  replace(pipeline: string, state: SyncState): Promise<void> {
    return this.#locked(pipeline, async () => {
      this.#refuseOther(pipeline, await this.#read().catch(() => undefined));
      await this.#write(pipeline, state);
    });
  }

  async runs(): Promise<never> {
    throw new CodedError('config_invalid', {
      message: `The state is in ${this.place}, where no history of runs is kept.`,
      remedy: 'Keep the state in a Postgres, or keep what sync --json prints.',
    });
  }

  async close(): Promise<void> {}

  async #locked<T>(pipeline: string, work: () => Promise<T>): Promise<T> {
    const lock = await this.#lock(pipeline);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  #lock(pipeline: string): Promise<FileLock> {
    return takeFileLock(this.#lockPath, pipeline).catch((error) => this.#fail('lock', error));
  }

  #refuseOther(pipeline: string, value: unknown): void {
    const owner = pipelineOf(value);
    if (owner === undefined || owner === pipeline) return;
    throw new CodedError('config_invalid', {
      message: `The state in ${this.place} belongs to pipeline "${owner}", not to "${pipeline}".`,
      remedy: 'Give each pipeline a state file of its own.',
    });
  }

  async #remove(pipeline: string): Promise<boolean> {
    // What can't be read is removed whoever wrote it: that is what a reset is for.
    this.#refuseOther(pipeline, await this.#read().catch(() => undefined));
    try {
      await rm(this.#path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      return this.#fail('remove', error);
    }
  }

  async #read(): Promise<unknown> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      return this.#fail('read', error);
    }
    return parseStateJson(text, this.place);
  }

  /** What engines left that were killed while they wrote. Whoever holds the lock is the only one to write. */
  async #removeDrafts(): Promise<void> {
    const folder = dirname(this.#path);
    const name = basename(this.#path);
    for (const found of await readdir(folder).catch(() => [])) {
      const isDraft = found.startsWith(`${name}.`) && DRAFT_SUFFIX.test(found.slice(name.length));
      if (isDraft) await rm(join(folder, found), { force: true });
    }
    await removeLockDrafts(this.#lockPath);
  }

  /** Whole or not at all: written beside it, flushed to the disk, moved into place; then the folder is flushed too. */
  async #write(pipeline: string, state: SyncState): Promise<void> {
    for (const [name, data] of Object.entries(state.source.streams)) encodeStreamState(name, data);
    const draft = `${this.#path}.${randomUUID()}.draft`;
    try {
      const file = await open(draft, 'wx', 0o600);
      try {
        await file.writeFile(`${JSON.stringify({ pipeline, ...state }, undefined, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, this.#path);
      const folder = await open(dirname(this.#path));
      await folder.sync().finally(() => folder.close());
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {});
      this.#fail('write', error);
    }
  }

  #fail(action: string, cause: unknown): never {
    if (cause instanceof CodedError) throw cause;
    throw new CodedError('state_store_unreachable', {
      message: `Can not ${action} the state in ${this.place}: ${(cause as Error).message}.`,
      remedy: 'Check the path, its folder and their permissions; then run again.',
      cause,
    });
  }
}

class FileStateSession implements StateSession {
  readonly previous: SyncState | undefined;
  readonly #lock: FileLock;
  readonly #saves: CoalescedSaves<SyncState>;
  readonly #lost = new AbortController();

  constructor(previous: SyncState | undefined, lock: FileLock, write: (state: SyncState) => Promise<void>) {
    this.previous = previous;
    this.#lock = lock;
    let saved = previous;
    this.#saves = new CoalescedSaves(async (state) => {
      if (state === saved) return;
      try {
        await lock.assertHeld();
        await write(state);
        saved = state;
      } catch (error) {
        this.#lost.abort(error);
        throw error;
      }
    });
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  save(state: SyncState): Promise<void> {
    if (this.#lost.signal.aborted) return Promise.reject(this.#lost.signal.reason);
    return this.#saves.save(state);
  }

  async beginRun(): Promise<void> {}

  async endRun(): Promise<void> {}

  async close(): Promise<void> {
    await this.#saves.whenIdle();
    await this.#lock.release().catch(() => {});
  }
}

function pipelineOf(value: unknown): string | undefined {
  return z.object({ pipeline: z.string() }).safeParse(value).data?.pipeline;
}

/** A store that keeps the state of one pipeline in a JSON file (mode 0600), with a lock file beside it. */
export function fileStateStore(path: string): StateStore {
  return new FileStateStore(path);
}
