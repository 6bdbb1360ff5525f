import {
  CodedError,
  isOptionalStream,
  type JsonSchema,
  keysAt,
  type SpecPayload,
  schemasAt,
  typesAt,
} from '@penstock/protocol';
import { askConnector } from '../launch/ask-connector.ts';
import { readLaunchSettings } from '../pipeline/launch-settings.ts';
import { askForSpec, loadPipeline, prepareSide } from '../pipeline/prepare.ts';
import { resolveConnector } from '../pipeline/resolve-connector.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { formatTable } from './text-table.ts';
import { askOptions, prepareContext, withSavedConfig } from './workspace.ts';

type DescribeArguments = PipelineArguments & { readonly json?: boolean | undefined };

/** Prints what the source has: a table, or the catalog as JSON. */
export async function discoverCommand(args: DescribeArguments, context: CommandContext): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  const prepared = (await prepareSide(pipeline, 'source', prepareContext(context)))!;
  const source = await withSavedConfig(pipeline, prepared, context);
  const request = { command: 'discover', config: source.config, secrets: source.secrets } as const;
  const { catalog } = await askConnector(source.connector, request, 'catalog', askOptions(context));
  if (args.json === true) {
    context.stdout.write(`${JSON.stringify(catalog, undefined, 2)}\n`);
    return 0;
  }
  const hasOptional = catalog.streams.some(isOptionalStream);
  const rows = catalog.streams.map((stream) => [
    stream.name,
    stream.primary_key.map((path) => path.join('.')).join(', '),
    stream.supports_time_range === true ? 'yes' : '',
    String(Object.keys((stream.json_schema?.properties as object | undefined) ?? {}).length || ''),
    ...(hasOptional ? [isOptionalStream(stream) ? 'yes' : ''] : []),
  ]);
  const headings = ['stream', 'primary key', 'time range', 'fields', ...(hasOptional ? ['optional'] : [])];
  context.stdout.write(formatTable(headings, rows));
  if (hasOptional) context.stdout.write('\nOptional ones are read only when `streams` names them.\n');
  return 0;
}

/** Prints what the config of a side may hold: a table of keys, or the spec as JSON. */
export async function specCommand(args: DescribeArguments, context: CommandContext): Promise<number> {
  const prepare = prepareContext(context);
  const specs: SpecPayload[] = [];
  if (args.config === undefined) {
    // Only types are given: no config is needed, and none is looked for.
    const { launcher, flags } = pipelineRequest(args, context);
    const launch = readLaunchSettings(launcher, flags, undefined);
    for (const side of ['source', 'destination'] as const) {
      const type = args[side];
      if (type === undefined) continue;
      const choice = { kind: 'type', type, config: {} } as const;
      specs.push(await askForSpec(await resolveConnector(side, choice, prepare.places, launch), prepare));
    }
    if (specs.length === 0) {
      throw new CodedError('usage', {
        message: 'Give --source TYPE, --destination TYPE or --config FILE.',
        remedy: '',
      });
    }
  } else {
    const pipeline = await loadPipeline(pipelineRequest(args, context));
    for (const side of ['source', 'destination'] as const) {
      const choice = pipeline[side];
      if (choice !== undefined)
        specs.push(await askForSpec(await resolveConnector(side, choice, prepare.places, pipeline), prepare));
    }
  }
  for (const spec of specs) {
    if (args.json === true) context.stdout.write(`${JSON.stringify(spec, undefined, 2)}\n`);
    else context.stdout.write(describeSpec(spec));
  }
  return 0;
}

function describeSpec(spec: SpecPayload): string {
  const { connector } = spec;
  const title = connector === undefined ? 'Config' : `Config of ${connector.name} ${connector.version}`;
  const required = Array.isArray(spec.config.required) ? (spec.config.required as unknown[]) : [];
  const rows = keysAt(spec.config, []).map((key) => [
    key,
    typesAt(spec.config, [key]).join('|'),
    required.includes(key) ? 'required' : defaultOf(spec.config, key),
    textOf(spec.config, key),
  ]);
  return `${title}\n${formatTable(['key', 'type', 'default', 'meaning'], rows)}\n`;
}

function defaultOf(schema: JsonSchema, key: string): string {
  const found = schemasAt(schema, [key]).find((branch) => 'default' in branch);
  return found === undefined ? '' : JSON.stringify(found.default);
}

function textOf(schema: JsonSchema, key: string): string {
  const branches = schemasAt(schema, [key]);
  const text =
    branches.map(({ description }) => description).find((description) => typeof description === 'string') ?? '';
  const isSecret = branches.some((branch) => branch.secret === true || branch.writeOnly === true);
  return isSecret ? `${text} (secret: \${NAME} or ${key}_file)`.trim() : text;
}
