import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalPostgresErrorCode } from '@penstock/local-postgres';
import { CodedError, type ErrorCode, toCodedError } from '@penstock/protocol';
import type { AskOptions } from '../launch/ask-connector.ts';
import type { Environment } from '../pipeline/environment.ts';
import { locateState, type StatePlace } from '../pipeline/locate-state.ts';
import { type NamedPipeline, type PrepareContext, type PreparedSide, prepareSide } from '../pipeline/prepare.ts';
import { ResolvedSides } from '../pipeline/resolved-sides.ts';
import { fileStateStore } from '../store/file-state-store.ts';
import { postgresStateStore } from '../store/postgres-state-store.ts';
import { type SecretsFile, secretsFile } from '../store/secrets-file.ts';
import type { StateStore } from '../store/state-store.ts';
import type { CommandContext } from './options.ts';

/** Where connectors are looked for: beside the engine, then in the folder of the caller. */
export function prepareContext(
  context: CommandContext,
  signal: AbortSignal | undefined = context.signal,
): PrepareContext {
  const folders = [dirname(fileURLToPath(import.meta.url)), process.cwd()];
  return {
    places: { folders, environment: context.environment },
    onNote: (text) => void context.stderr.write(`${text}\n`),
    ...(signal && { signal }),
  };
}

/** What a question to a connector needs, so that it ends with the command that asks it. */
export function askOptions({ signal }: CommandContext): AskOptions {
  return signal === undefined ? {} : { signal };
}

/** The store at a place; connects when it is used. */
export function openStateStore(place: StatePlace): StateStore {
  return 'file' in place ? fileStateStore(place.file) : postgresStateStore(place.postgres);
}

/** Where the user's data is kept: $XDG_DATA_HOME/penstock, or ~/.local/share/penstock. */
export function dataFolder(environment: Environment): string {
  const given = environment.XDG_DATA_HOME;
  // A relative path there is to be ignored (XDG Base Directory Specification).
  const base = given?.startsWith('/') === true ? given : join(environment.HOME ?? homedir(), '.local', 'share');
  return join(base, 'penstock');
}

/** Who can help when it can't be started, by the code of the error. */
const ownPostgresErrors = {
  platform_unsupported: 'config_invalid',
  binaries_missing: 'config_invalid',
  no_unprivileged_user: 'config_invalid',
  version_differs: 'config_invalid',
  port_in_use: 'port_in_use',
  start_failed: 'unreachable',
  aborted: 'stopped',
} as const satisfies Record<LocalPostgresErrorCode, ErrorCode>;

/** A Postgres on this machine, with data that outlives it. */
export interface OwnPostgres {
  readonly url: string;
  /** False when another program has started it, and will stop it. */
  readonly owned: boolean;
  readonly stop: () => Promise<void>;
}

/**
 * Starts the Postgres in the user's data folder, or finds it running. Loaded on demand: most pipelines don't need it.
 *
 * @throws CodedError saying why it could not be started
 */
export async function startOwnPostgres(environment: Environment, signal?: AbortSignal): Promise<OwnPostgres> {
  const { LocalPostgresError, startLocalPostgres } = await import('@penstock/local-postgres');
  try {
    return await startLocalPostgres({ dataDir: join(dataFolder(environment), 'postgres'), ...(signal && { signal }) });
  } catch (cause) {
    if (!(cause instanceof LocalPostgresError)) throw cause;
    throw new CodedError(ownPostgresErrors[cause.code], { message: cause.message, remedy: '', cause });
  }
}

/** Whether the connectors of a pipeline can have the user's own Postgres as their destination. Pure. */
export function reachesOwnPostgres({ launcher, docker }: NamedPipeline): boolean {
  return launcher !== 'docker' || docker.network === 'host';
}

/**
 * The pipeline with the user's own Postgres as its destination.
 *
 * @throws CodedError `usage` when its connectors could not reach it
 */
export function withOwnPostgres(pipeline: NamedPipeline, url: string): NamedPipeline {
  if (!reachesOwnPostgres(pipeline)) {
    throw new CodedError('usage', {
      message:
        'Without a destination the data goes to a Postgres of your own on localhost, which no container reaches.',
      remedy: 'Give a destination, or --docker.network host.',
    });
  }
  return { ...pipeline, destination: { kind: 'type', type: 'postgres', config: { url } } };
}

/** The file with the secrets that the connectors of a pipeline found out, in the user's data folder. */
export function secretsFileOf(
  pipeline: NamedPipeline,
  { place }: StateStore,
  environment: Environment,
  isOwnPostgres: boolean,
): SecretsFile {
  // The port of the user's own Postgres is another one each time.
  return secretsFile(join(dataFolder(environment), 'secrets'), pipeline.name, isOwnPostgres ? 'own Postgres' : place);
}

/** What is kept of a pipeline, and how to reach it. */
export interface PipelineState {
  /** With the user's own Postgres as its destination, where it has none. */
  readonly pipeline: NamedPipeline;
  readonly store: StateStore;
  readonly secrets: SecretsFile;
}

/** Opens the state store of a pipeline for one piece of work; nothing of the source is started. */
export async function withPipelineState<T>(
  pipeline: NamedPipeline,
  context: CommandContext,
  use: (state: PipelineState) => Promise<T>,
): Promise<T> {
  const own =
    pipeline.state === undefined && pipeline.destination === undefined
      ? await startOwnPostgres(context.environment, context.signal)
      : undefined;
  try {
    const complete = own === undefined ? pipeline : withOwnPostgres(pipeline, own.url);
    const destination =
      complete.state === undefined ? await prepareSide(complete, 'destination', prepareContext(context)) : undefined;
    const store = openStateStore(await locateState(complete, destination));
    const secrets = secretsFileOf(complete, store, context.environment, own !== undefined);
    try {
      return await use({ pipeline: complete, store, secrets });
    } finally {
      await store.close();
    }
  } finally {
    await own?.stop();
  }
}

/**
 * The side with what its connector found out in earlier runs, for a question to it. Where the state can't be had it is
 * asked with the config as it was given, and that is said.
 */
export async function withSavedConfig(
  pipeline: NamedPipeline,
  side: PreparedSide,
  context: CommandContext,
): Promise<PreparedSide> {
  if (!mayHaveState(pipeline, context.environment)) return side;
  const say = (text: string): void => void context.stderr.write(`${text}\n`);
  try {
    return await withPipelineState(pipeline, context, async ({ store, secrets }) => {
      const sides = new ResolvedSides({
        sides: { [side.side]: side },
        secretsFile: secrets,
        onKept: () => undefined,
        onLog: ({ message }) => say(message),
      });
      await sides.use((await store.load(pipeline.name))?.resolved_config);
      return sides.get(side.side);
    });
  } catch (thrown) {
    const error = toCodedError(thrown);
    if (error.code === 'stopped') throw error;
    // Of a destination that can't be reached it is no news.
    if (side.side === 'source')
      say(`Asked without what ${side.connector.name} found out in earlier runs, if it did: ${error.message}`);
    return side;
  }
}

/** Whether there can be state, as far as is known without asking anybody. */
function mayHaveState({ state, destination }: NamedPipeline, environment: Environment): boolean {
  if (state !== undefined) return true;
  if (destination === undefined) return existsSync(join(dataFolder(environment), 'postgres'));
  return destination.kind === 'type' && destination.type === 'postgres';
}
