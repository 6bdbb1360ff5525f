import { withOwnReferences } from '../pipeline/environment.ts';
import { type KnownConnectors, pipelineJsonSchema } from '../pipeline/pipeline-json-schema.ts';
import { askForSpec, loadPipeline } from '../pipeline/prepare.ts';
import { resolveConnector } from '../pipeline/resolve-connector.ts';
import { type CommandContext, type PipelineArguments, pipelineFileOf, pipelineRequest } from './options.ts';
import { prepareContext } from './workspace.ts';

/**
 * Prints the JSON Schema of the pipeline file: of any, or of one with the connectors of a file or of the flags, with what their
 * configs may hold.
 */
export async function schemaCommand(
  args: PipelineArguments & { readonly file?: string | undefined },
  context: CommandContext,
): Promise<number> {
  const config = pipelineFileOf(args);
  const request = pipelineRequest({ ...args, config }, context);
  const isForAny = config === undefined && request.source === undefined && request.flags.length === 0;
  const known = isForAny && request.destination === undefined ? {} : await knownConnectors(request, context);
  context.stdout.write(`${JSON.stringify(pipelineJsonSchema(known), undefined, 2)}\n`);
  return 0;
}

async function knownConnectors(
  request: ReturnType<typeof pipelineRequest>,
  context: CommandContext,
): Promise<KnownConnectors> {
  // Which connectors they are doesn't depend on variables that are not set yet.
  const pipeline = await loadPipeline({ ...request, environment: withOwnReferences(request.environment) });
  const prepare = prepareContext(context);
  const sides = (['source', 'destination'] as const).map(async (side) => {
    const choice = pipeline[side];
    if (choice === undefined) return [];
    if (choice.kind === 'pipes') return [[side, { choice, schema: {} }] as const];
    const { config: schema } = await askForSpec(
      await resolveConnector(side, choice, prepare.places, pipeline),
      prepare,
    );
    return [[side, { choice, schema }] as const];
  });
  return Object.fromEntries((await Promise.all(sides)).flat());
}
