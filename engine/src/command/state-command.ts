import { CodedError, type SyncState } from '@penstock/protocol';
import { loadPipeline } from '../pipeline/prepare.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { formatTable } from './text-table.ts';
import { withPipelineState } from './workspace.ts';

/** Prints the saved state of a pipeline: a table of its streams, or all of it as JSON. */
export async function stateShowCommand(
  args: PipelineArguments & { readonly json?: boolean | undefined },
  context: CommandContext,
): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  return withPipelineState(pipeline, context, async ({ store }) => {
    const state = await store.load(pipeline.name);
    if (state === undefined) {
      const others = (await store.list()).map((summary) => summary.pipeline);
      throw new CodedError('state_invalid', {
        message: `${store.place} has no state of pipeline "${pipeline.name}".`,
        remedy: others.length === 0 ? 'It has none at all yet.' : `It has: ${others.join(', ')} (choose with --name).`,
      });
    }
    context.stdout.write(
      args.json === true ? `${JSON.stringify(state, undefined, 2)}\n` : describeState(pipeline.name, state),
    );
    return 0;
  });
}

function describeState(name: string, { source, sync_run }: SyncState): string {
  const { progress } = sync_run;
  const names = [...new Set([...Object.keys(progress.streams), ...Object.keys(source.streams)])];
  const rows = names.map((stream) => {
    const found = progress.streams[stream];
    const bytes = source.streams[stream] === undefined ? 0 : Buffer.byteLength(JSON.stringify(source.streams[stream]));
    const records = found === undefined ? '' : String(found.record_count);
    return [stream, found?.status ?? '', records, found?.synced_through ?? '', String(bytes), found?.message ?? ''];
  });
  const run = `pipeline ${name}, run ${sync_run.run_id ?? '(none)'}: ${progress.derived.status}, started ${progress.started_at}`;
  return `${run}\n${formatTable(['stream', 'status', 'records', 'synced through', 'state bytes', ''], rows)}`;
}

/** Forgets the saved state of a pipeline, what its connectors found out about their configs included; or one of its streams. */
export async function stateResetCommand(
  args: PipelineArguments & { readonly stream?: string | undefined },
  context: CommandContext,
): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  return withPipelineState(pipeline, context, async ({ store, secrets }) => {
    const what =
      args.stream === undefined
        ? `pipeline "${pipeline.name}"`
        : `stream "${args.stream}" of pipeline "${pipeline.name}"`;
    const found = await store.reset(pipeline.name, args.stream);
    if (args.stream === undefined) await secrets.save({});
    context.stdout.write(
      found
        ? `The state of ${what} is gone from ${store.place}; the next sync reads it from the beginning.\n`
        : `There was no state of ${what} in ${store.place}.\n`,
    );
    return 0;
  });
}
