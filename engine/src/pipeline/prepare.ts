import {
  CodedError,
  type LogPayload,
  PROTOCOL_VERSION,
  type SpecPayload,
  secretValues,
  USUAL_STREAMS,
} from '@penstock/protocol';
import { askConnector } from '../launch/ask-connector.ts';
import type { Connector } from '../launch/launcher.ts';
import { buildConfig, readFileKeys } from './connector-config.ts';
import { assignFlags, type DottedFlag } from './dotted-flags.ts';
import { type Environment, expandEnvironment, isEnvironmentReference } from './environment.ts';
import { findLocalhost, type LaunchSettings, readLaunchSettings } from './launch-settings.ts';
import { readPipelineFile } from './pipeline-file.ts';
import { type ConnectorChoice, type Pipeline, pipelineSchema, type StreamChoice } from './pipeline-schema.ts';
import { resolveConnector, type SearchPlaces, type Side } from './resolve-connector.ts';

/** What a command line says about a pipeline. */
export interface PipelineRequest {
  /** Path of the pipeline file. */
  readonly config?: string | undefined;
  readonly name?: string | undefined;
  /** Types. */
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  /** Names, in place of the file's list. */
  readonly streams?: readonly string[] | undefined;
  /** Path of a state file. */
  readonly state?: string | undefined;
  /** What runs connectors that are given by type. */
  readonly launcher?: string | undefined;
  readonly flags: readonly DottedFlag[];
  readonly environment: Environment;
}

/** A pipeline whose name is known. */
export type NamedPipeline = Omit<Pipeline, 'streams'> &
  LaunchSettings & {
    readonly name: string;
    readonly streams?: readonly StreamChoice[] | undefined;
    readonly connectorFlags: readonly DottedFlag[];
  };

/**
 * The pipeline of a command line: the file, if any, with what the flags say put over it. The flags of the connectors are
 * kept for later, when the connectors' specs are known.
 *
 * @throws CodedError `usage` and what reading the file throws
 */
export async function loadPipeline(request: PipelineRequest): Promise<NamedPipeline> {
  const file = request.config === undefined ? undefined : await readPipelineFile(request.config, request.environment);
  const connectorFlags: DottedFlag[] = [];
  const overrides = new Map<string, Record<string, unknown>>();
  const { rest, ...launch } = readLaunchSettings(request.launcher, request.flags, file);
  for (const flag of rest) {
    const [first, second, ...deeper] = flag.path;
    const isChoice =
      (first === 'source' || first === 'destination') && /^(type|command|image|pipes)$/.test(second ?? '');
    if (isChoice && deeper.length === 0) overrides.set(first!, readChoice(first as Side, second!, flag));
    else if (first === 'state') overrides.set(first, readState(flag, request.environment));
    else connectorFlags.push(flag);
  }
  const source = overrides.get('source') ?? typeChoice(request.source, file?.source);
  const destination = overrides.get('destination') ?? typeChoice(request.destination, file?.destination);
  if (source === undefined && file?.source === undefined) {
    throw new CodedError('usage', {
      message: 'There is no source.',
      remedy: 'Give a pipeline file with --config FILE, or --source TYPE (for example --source stripe).',
    });
  }
  const checked = pipelineSchema.safeParse({
    source: source ?? { type: 'none' },
    ...(destination === undefined ? {} : { destination }),
    ...(overrides.get('state') === undefined ? {} : { state: overrides.get('state') }),
  });
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new CodedError('usage', { message: `--${issue!.path.join('.')}: ${issue!.message}.` });
  }
  const pipeline = {
    source: source === undefined ? file!.source : checked.data.source,
    destination: destination === undefined ? file?.destination : checked.data.destination,
    streams: selectStreams(request.streams, file?.streams),
    state: request.state === undefined ? (checked.data.state ?? file?.state) : { file: request.state },
    ...(file?.metrics === undefined ? {} : { metrics: file.metrics }),
  };
  const name = request.name ?? file?.name ?? defaultName(pipeline.source, pipeline.destination);
  return { ...pipeline, ...launch, name, connectorFlags };
}

/** The type given by flag; with the file's config where that is of the same type. */
function typeChoice(
  type: string | undefined,
  inFile: ConnectorChoice | undefined,
): Record<string, unknown> | undefined {
  if (type === undefined || (inFile?.kind === 'type' && inFile.type === type)) return undefined;
  return { type };
}

function readChoice(side: Side, key: string, flag: DottedFlag): Record<string, unknown> {
  if (flag.value === undefined) throw new CodedError('usage', { message: `${flag.flag} needs a value.` });
  if (key !== 'command') return { [key]: flag.value };
  try {
    return { command: JSON.parse(flag.value) as unknown };
  } catch {
    throw new CodedError('usage', {
      message: `${flag.flag}: expected a JSON array of the program and its arguments.`,
      remedy: `For example --${side}.command '["node", "connector.mjs"]'.`,
    });
  }
}

function readState(flag: DottedFlag, environment: Environment): Record<string, unknown> {
  const [, key, ...deeper] = flag.path;
  if (flag.value !== undefined && key === 'file' && deeper.length === 0) return { file: flag.value };
  if (flag.value !== undefined && key === 'postgres' && deeper.join('.') === 'url') {
    if (isEnvironmentReference(flag.value)) {
      return { postgres: { url: expandEnvironment(flag.value, flag.flag, environment) } };
    }
    throw new CodedError('usage', {
      message: `${flag.flag} may hold a password, and a command line can be read by others.`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the user's syntax
      remedy: "Give it as a reference to the environment: '${STATE_URL}'.",
    });
  }
  throw new CodedError('usage', { message: `${flag.flag}: expected --state.file PATH or --state.postgres.url.` });
}

/** The streams of the flags, each read as the file says. The usual ones are, too, where the flags name them by `*`. */
function selectStreams(
  names: readonly string[] | undefined,
  inFile: readonly StreamChoice[] | undefined,
): StreamChoice[] | undefined {
  if (names === undefined) return inFile === undefined ? undefined : [...inFile];
  const chosen = [...new Set(names)].map((name) => inFile?.find((stream) => stream.name === name) ?? { name });
  if (!names.includes(USUAL_STREAMS)) return chosen;
  const others = (inFile ?? []).filter(({ name }) => !names.includes(name));
  return [...chosen, ...others.map((choice) => ({ ...choice, namesNothing: true as const }))];
}

function defaultName(source: ConnectorChoice, destination: ConnectorChoice | undefined): string {
  const nameOf = (choice: ConnectorChoice): string => (choice.kind === 'type' ? choice.type : choice.kind);
  return `${nameOf(source)}-to-${destination === undefined ? 'local' : nameOf(destination)}`;
}

/** One side, ready to be run. */
export interface PreparedSide {
  readonly side: Side;
  readonly choice: ConnectorChoice;
  readonly connector: Connector;
  readonly spec: SpecPayload;
  /** As the connector gets it. Holds secrets. */
  readonly config: Record<string, unknown>;
  /** What the user gave of it, what stands in the files of `…_file` keys included. Holds secrets. */
  readonly given: Record<string, unknown>;
  /** Values that must not be shown. */
  readonly secrets: readonly string[];
}

/** What preparing needs from outside. */
export interface PrepareContext {
  readonly places: SearchPlaces;
  readonly onLog?: (log: LogPayload) => void;
  readonly signal?: AbortSignal;
  /** Told what the user should know, in a sentence. */
  readonly onNote?: (text: string) => void;
  /** Told each connector that was found, whatever becomes of it. */
  readonly onConnector?: (connector: Connector) => void;
}

/**
 * Finds a side's program, asks it for its spec, and puts its config together.
 *
 * @returns undefined when the pipeline doesn't have that side
 * @throws CodedError for everything that is wrong with the program, the config or the flags
 */
export async function prepareSide(
  pipeline: NamedPipeline,
  side: Side,
  context: PrepareContext,
): Promise<PreparedSide | undefined> {
  const choice = pipeline[side];
  const flags = flagsOfSide(pipeline, side);
  if (choice === undefined) return undefined;
  const connector = await resolveConnector(side, choice, context.places, pipeline);
  context.onConnector?.(connector);
  const spec = await askForSpec(connector, context);
  if (choice.kind === 'pipes') {
    refuseFlags(side, flags);
    return { side, choice, connector, spec, config: {}, given: {}, secrets: [] };
  }
  const config = buildConfig({
    schema: spec.config,
    place: `${side}.${configNameOf(choice)}`,
    config: choice.config,
    flags,
    environmentPrefix: environmentPrefixOf(choice),
    environment: context.places.environment,
  });
  const withFiles = await readFileKeys(config, spec.config);
  const prepared = { side, choice, connector, spec, given: withFiles, secrets: secretValues(withFiles, spec.config) };
  if (connector.isElsewhere === undefined) return { ...prepared, config };
  const localhost = findLocalhost(withFiles);
  if (localhost !== undefined && connector.isElsewhere.hasOwnLocalhost) {
    const key = `${side}.${configNameOf(choice)}.${localhost}`;
    context.onNote?.(
      `${key}: in a container, localhost is the container itself; use host.docker.internal, or docker.network: host.`,
    );
  }
  return { ...prepared, config: withFiles };
}

/** The key under which a connector's config stands in a pipeline file. */
export function configNameOf(choice: ConnectorChoice): string {
  return choice.kind === 'type' ? choice.type : 'config';
}

/** Prefix of the variables that fill in a connector's config: `STRIPE` for STRIPE_API_KEY. Without a type there are none. */
export function environmentPrefixOf(choice: ConnectorChoice): string | undefined {
  return choice.kind === 'type' ? choice.type.toUpperCase().replaceAll('-', '_') : undefined;
}

/** The flags about the config of one side. @throws CodedError `usage` for one that is about neither side */
export function flagsOfSide(pipeline: NamedPipeline, side: Side): readonly DottedFlag[] {
  const { source, destination, connectorFlags } = pipeline;
  return assignFlags(connectorFlags, {
    source: configNameOf(source),
    destination: destination === undefined ? undefined : configNameOf(destination),
  })[side];
}

/** Whoever starts a connector gives it its config. @throws CodedError `usage` */
export function refuseFlags(side: Side, flags: readonly DottedFlag[]): void {
  if (flags.length === 0) return;
  throw new CodedError('usage', {
    message: `${flags[0]!.flag}: the ${side} is joined by pipes, so its config is with whoever starts it.`,
    remedy: '',
  });
}

/** @throws CodedError `protocol_violated` when the connector speaks a later version of the protocol */
export async function askForSpec(
  connector: Connector,
  { onLog, onNote, signal }: PrepareContext,
): Promise<SpecPayload> {
  await connector.prepare?.({ onNote, signal });
  const options = { ...(onLog && { onLog }), ...(signal && { signal }) };
  const { spec } = await askConnector(connector, { command: 'spec' }, 'spec', options);
  if (spec.protocol_version <= PROTOCOL_VERSION) return spec;
  throw new CodedError('protocol_violated', {
    message: `${connector.name} speaks version ${spec.protocol_version} of the protocol; this engine speaks version ${PROTOCOL_VERSION}.`,
    remedy: 'Use a newer engine, or an older connector.',
  });
}
