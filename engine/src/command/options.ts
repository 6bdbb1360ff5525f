import { CodedError } from '@penstock/protocol';
import type { Argv } from 'yargs';
import type { DottedFlag } from '../pipeline/dotted-flags.ts';
import type { Environment } from '../pipeline/environment.ts';
import type { PipelineRequest } from '../pipeline/prepare.ts';

/** What every command works with; a test gives its own. */
export interface CommandContext {
  readonly flags: readonly DottedFlag[];
  readonly environment: Environment;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted when the command is to be given up; `sync` has signals of its own. */
  readonly signal?: AbortSignal;
}

/** The flags that say which pipeline is meant. */
export interface PipelineArguments {
  readonly config?: string | undefined;
  readonly name?: string | undefined;
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
  readonly streams?: string | undefined;
  readonly state?: string | undefined;
  readonly launcher?: string | undefined;
  readonly pull?: string | undefined;
}

/** Adds the flags of {@link PipelineArguments} to a command. */
export function withPipelineOptions<T>(command: Argv<T>): Argv<T & PipelineArguments> {
  return command
    .option('config', { alias: 'c', type: 'string', requiresArg: true, describe: 'Pipeline file, JSON or YAML' })
    .option('name', {
      type: 'string',
      requiresArg: true,
      describe: "Name of the pipeline's state (default: the file's)",
    })
    .option('source', { type: 'string', requiresArg: true, describe: 'Type of the source, for example stripe' })
    .option('destination', {
      type: 'string',
      requiresArg: true,
      describe: 'Type of the destination, for example postgres',
    })
    .option('streams', {
      type: 'string',
      requiresArg: true,
      describe: "Only these streams, separated by commas; '*' is all but the optional ones",
    })
    .option('state', { type: 'string', requiresArg: true, describe: 'Keep the state in this file' })
    .option('launcher', {
      type: 'string',
      requiresArg: true,
      describe: 'Run the types as programs (process) or as containers (docker)',
    })
    .option('pull', {
      type: 'string',
      requiresArg: true,
      describe: 'When to pull images: missing, always or never (default missing)',
    });
}

/**
 * The pipeline file of a command that also takes it without its flag.
 *
 * @throws CodedError `usage` when both ways name one
 */
export function pipelineFileOf({
  file,
  config,
}: {
  readonly file?: string | undefined;
  readonly config?: string | undefined;
}): string | undefined {
  if (file !== undefined && config !== undefined) {
    throw new CodedError('usage', { message: `Two files are named: ${file} and --config ${config}.`, remedy: '' });
  }
  const named = file ?? config;
  if (named === '') throw new CodedError('usage', { message: 'The name of the file is empty.', remedy: '' });
  return named;
}

/** @throws CodedError `usage` when a flag is given twice or is empty */
export function pipelineRequest(args: PipelineArguments, context: CommandContext): PipelineRequest {
  const single = (
    key: 'config' | 'name' | 'source' | 'destination' | 'state' | 'launcher' | 'pull',
  ): string | undefined => {
    const value: unknown = args[key];
    if (Array.isArray(value)) throw new CodedError('usage', { message: `--${key} is given twice.` });
    if (value === '') throw new CodedError('usage', { message: `--${key} needs a value.` });
    return value as string | undefined;
  };
  const streams = [args.streams ?? []].flat().flatMap((list) => list.split(','));
  const names = streams.map((name) => name.trim()).filter((name) => name !== '');
  if (args.streams !== undefined && names.length === 0) {
    throw new CodedError('usage', { message: '--streams needs the names of streams, separated by commas.' });
  }
  const pull = single('pull');
  return {
    config: single('config'),
    name: single('name'),
    source: single('source'),
    destination: single('destination'),
    state: single('state'),
    launcher: single('launcher'),
    streams: args.streams === undefined ? undefined : names,
    // Short for the flag that has the name of its key in the file.
    flags: [
      ...context.flags,
      ...(pull === undefined ? [] : [{ flag: '--pull', path: ['docker', 'pull'], value: pull }]),
    ],
    environment: context.environment,
  };
}
