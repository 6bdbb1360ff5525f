import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError, type EngineMessage } from '@penstock/protocol';
import { openStateStore, secretsFileOf } from './command/workspace.ts';
import type { Connector } from './launch/launcher.ts';
import { removeLeftovers } from './launch/private-folder.ts';
import type { Environment } from './pipeline/environment.ts';
import { readLaunchSettings } from './pipeline/launch-settings.ts';
import { locateState } from './pipeline/locate-state.ts';
import { parsePipeline, readPipelineFile } from './pipeline/pipeline-file.ts';
import { type NamedPipeline, prepareSide } from './pipeline/prepare.ts';
import { runSync as runOnce, type SyncResult } from './sync.ts';
import { runUntilDone } from './sync-until-done.ts';

/** How long a listener that has not taken the last messages may keep a run from ending, in milliseconds. */
const LISTENER_WAIT_MS = 30_000;

/** How a pipeline is run by a program. */
export interface RunSyncOptions {
  /**
   * Everything that the engine says: `catalog` first, `eof` last. Called in order, never after {@link runSync} has resolved. A
   * promise that it returns is waited for before the connectors are read on, so a slow listener slows the run down. When it
   * throws, or the promise rejects, the run stops softly and has failed; it is not called again.
   */
  readonly onMessage?: (message: EngineMessage) => Promise<void> | undefined;
  /** When it is aborted the run stops softly: what is committed is saved, and the result says `has_more`. */
  readonly signal?: AbortSignal;
  /** When it is aborted both sides are killed; what was saved stays. */
  readonly killSignal?: AbortSignal;
  /** The run to continue or to begin; by default the unfinished one, or a new one. */
  readonly runId?: string;
  /** Stops softly after so many milliseconds. */
  readonly timeLimitMs?: number;
  /** Stops softly once so many records were passed on. */
  readonly recordLimit?: number;
  /** How long the source may be silent after its start, in milliseconds. */
  readonly startTimeoutMs?: number;
  /** How long nothing may move before a log says who is waited for, in milliseconds. */
  readonly stallTimeoutMs?: number;
  /** Goes on with the run by itself until nothing is left that another try could do. */
  readonly untilDone?: boolean;
  /** Forgets the saved position first. */
  readonly resetState?: boolean;
  /** What `${NAME}` in the pipeline stands for, and the keys of connectors that it leaves out; `process.env` by default. */
  readonly environment?: Environment;
  /** Told what the user should know about the pipeline, in a sentence. */
  readonly onNote?: (text: string) => void;
}

/**
 * Runs a pipeline once, as `penstock sync` does.
 *
 * @param pipeline what a pipeline file holds, or the path of one. An object needs a `name`, the key of its state; and a
 *   `destination`, since only the command has a Postgres of its own
 * @returns how it went. A run that fails resolves too: see `exitCode`, `error` and `eof`
 * @throws CodedError for a pipeline that can't be run at all: its file, its config, a connector that isn't found
 */
export async function runSync(pipeline: string | object, options: RunSyncOptions = {}): Promise<SyncResult> {
  const environment = options.environment ?? process.env;
  const named = await namedPipeline(pipeline, environment);
  const { signal } = options;
  const connectors: Connector[] = [];
  const context = {
    places: { folders: [process.cwd(), dirname(fileURLToPath(import.meta.url))], environment },
    onConnector: (connector: Connector) => void connectors.push(connector),
    ...(options.onNote && { onNote: options.onNote }),
    ...(signal && { signal }),
  };
  await removeLeftovers();
  let isDone = false;
  const preparing = [prepareSide(named, 'source', context), prepareSide(named, 'destination', context)] as const;
  try {
    const [source, destination] = await Promise.all(preparing);
    const store = openStateStore(await locateState(named, destination));
    try {
      const { onMessage = () => undefined, killSignal, runId, timeLimitMs, recordLimit, resetState } = options;
      const { startTimeoutMs, stallTimeoutMs } = options;
      const result = await (options.untilDone === true ? runUntilDone : runOnce)({
        name: named.name,
        source: source!,
        destination: destination!,
        streams: named.streams,
        store,
        secretsFile: secretsFileOf(named, store, environment, false),
        onMessage,
        signal,
        killSignal,
        runId,
        timeLimitMs,
        recordLimit,
        startTimeoutMs,
        stallTimeoutMs,
        resetState,
        listenerWaitMs: LISTENER_WAIT_MS,
      });
      isDone = result.exitCode === 0;
      return result;
    } finally {
      await store.close();
    }
  } finally {
    // When one can't be prepared, the other is still on its way.
    await Promise.allSettled(preparing);
    await Promise.all(connectors.map((connector) => connector.release?.(isDone)));
  }
}

async function namedPipeline(given: string | object, environment: Environment): Promise<NamedPipeline> {
  const place = typeof given === 'string' ? given : 'pipeline';
  const file =
    typeof given === 'string'
      ? await readPipelineFile(given, environment)
      : parsePipeline(JSON.stringify(given), place, environment);
  const { name, destination } = file;
  if (name === undefined) throw new CodedError('config_invalid', { message: `${place}: name is missing.` });
  if (destination === undefined) {
    throw new CodedError('config_invalid', { message: `${place}: destination is missing.` });
  }
  const { rest: _none, ...launch } = readLaunchSettings(undefined, [], file);
  return { ...file, ...launch, name, connectorFlags: [] };
}
