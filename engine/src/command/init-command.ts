import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { CodedError } from '@penstock/protocol';
import { configOfFlags } from '../pipeline/connector-config.ts';
import { withOwnReferences } from '../pipeline/environment.ts';
import { type NewPipelineFile, type NewSide, newPipelineFile } from '../pipeline/new-pipeline-file.ts';
import { parsePipeline } from '../pipeline/pipeline-file.ts';
import {
  askForSpec,
  configNameOf,
  environmentPrefixOf,
  flagsOfSide,
  loadPipeline,
  type NamedPipeline,
  refuseFlags,
} from '../pipeline/prepare.ts';
import { resolveConnector, type Side } from '../pipeline/resolve-connector.ts';
import { installedSchema } from '../pipeline/schema-place.ts';
import { type CommandContext, type PipelineArguments, pipelineFileOf, pipelineRequest } from './options.ts';
import { prepareContext } from './workspace.ts';

/** The file when none is named. */
const DEFAULT_FILE = 'pipeline.yaml';

/** The name of the file that is stdout. */
const STDOUT = '-';

/** The flags of `penstock init`. */
export interface InitArguments extends PipelineArguments {
  readonly file?: string | undefined;
  /** Also over a file that is there. */
  readonly force?: boolean | undefined;
}

/** Writes a pipeline file for two connectors: what the flags say, and every other setting with what it means. */
export async function initCommand(args: InitArguments, context: CommandContext): Promise<number> {
  const { config, ...others } = args;
  const file = pipelineFileOf({ config, file: args.file }) ?? DEFAULT_FILE;
  if (extname(file) === '.json') {
    throw new CodedError('usage', { message: `${file}: init writes YAML.`, remedy: 'Let the name end in .yaml.' });
  }
  // Before a connector is started, which can take a while.
  if (file !== STDOUT && args.force !== true && existsSync(file)) throw existsAlready(file);
  const request = pipelineRequest(others, context);
  const isGiven = request.flags.some(({ path }) => path[0] === 'source' && path.length === 2);
  if (request.source === undefined && !isGiven) {
    const remedy = 'Give --source TYPE, for example: penstock init --source stripe --destination postgres.';
    throw new CodedError('usage', { message: 'There is no source.', remedy });
  }
  // References stay: what they stand for is not for a file.
  const given = await loadPipeline({ ...request, environment: withOwnReferences({}) });
  // Two pipelines in one database need two names.
  const isNamed = request.name !== undefined || file === STDOUT || file === DEFAULT_FILE;
  const pipeline = isNamed ? given : { ...given, name: basename(file, extname(file)) };
  const [source, destination] = await Promise.all([
    newSide(pipeline, 'source', context),
    newSide(pipeline, 'destination', context),
  ]);
  const written = newPipelineFile({
    ...pipeline,
    source: source!,
    destination,
    streams: pipeline.streams?.map(({ name }) => name),
    schemaAddress: installedSchema(file === STDOUT ? '.' : dirname(file)),
  });
  const unset = new Set<string>();
  // What the engine would not read is not written. It also tells which variables are wanted.
  parsePipeline(
    written.text,
    file,
    withOwnReferences(context.environment, (name) => unset.add(name)),
  );
  if (file === STDOUT) context.stdout.write(written.text);
  else await writeNewFile(file, written.text, args.force === true);
  context.stderr.write(whatIsNext(file, [...unset], written));
  return 0;
}

async function newSide(pipeline: NamedPipeline, side: Side, context: CommandContext): Promise<NewSide | undefined> {
  const choice = pipeline[side];
  const flags = flagsOfSide(pipeline, side);
  if (choice === undefined) return undefined;
  if (choice.kind === 'pipes') {
    refuseFlags(side, flags);
    return { choice, schema: undefined, given: {} };
  }
  const prepare = prepareContext(context);
  const connector = await resolveConnector(side, choice, prepare.places, pipeline);
  const { config: schema } = await askForSpec(connector, prepare);
  const given = configOfFlags({
    schema,
    place: `${side}.${configNameOf(choice)}`,
    flags,
    environmentPrefix: environmentPrefixOf(choice),
    environment: withOwnReferences({}),
  });
  return { choice, schema, given };
}

async function writeNewFile(file: string, text: string, isForced: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: isForced ? 'w' : 'wx' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw existsAlready(file);
    const why = code === 'ENOENT' ? 'there is no such folder' : code === 'EISDIR' ? 'it is a folder' : String(code);
    throw new CodedError('usage', { message: `${file} can't be written: ${why}.`, remedy: '', cause });
  }
}

function existsAlready(file: string): CodedError {
  const remedy = 'Name another file, or replace it with --force.';
  return new CodedError('usage', { message: `${file} exists already.`, remedy });
}

function whatIsNext(file: string, unset: readonly string[], { placeholders }: NewPipelineFile): string {
  const name = file === STDOUT ? 'FILE' : /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
  const steps = [
    ...(placeholders.length === 0 ? [] : [`Put in ${listed(placeholders)}.`]),
    ...(unset.length === 0 ? [] : [`Set ${listed(unset)} in the environment.`]),
    `penstock check --config ${name}`,
    `penstock sync --config ${name}`,
  ];
  const wrote = file === STDOUT ? '' : `Wrote ${file}. `;
  return `${wrote}What is next:\n${steps.map((step, i) => `  ${i + 1}. ${step}\n`).join('')}`;
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
