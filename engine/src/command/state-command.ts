import { CodedError, nearestNames, type SyncState } from '@penstock/protocol';
import { loadPipeline } from '../pipeline/prepare.ts';
import type { LeaseHolder, StateStore } from '../store/state-store.ts';
import { onlyStreams, streamsOf } from '../store/streams-of-state.ts';
import { confirm } from './confirm.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { formatTable } from './text-table.ts';
import { withPipelineState } from './workspace.ts';

/** The flags of all commands about state. */
export interface StateArguments extends PipelineArguments {
  /** These alone; several when it is given several times. */
  readonly stream?: string | readonly string[] | undefined;
}

/** The streams of `--stream`; undefined for all. @throws CodedError `usage` for an empty one */
export function chosenStreams({ stream }: StateArguments): readonly string[] | undefined {
  if (stream === undefined) return undefined;
  const names = [...new Set([stream].flat())];
  if (names.includes('')) throw new CodedError('usage', { message: '--stream needs a value.' });
  return names;
}

/** What is kept of a pipeline. @throws CodedError `state_invalid` naming the pipelines that there are when it isn't one */
export async function loadState(store: StateStore, pipeline: string): Promise<SyncState> {
  const state = await store.load(pipeline);
  if (state !== undefined) return state;
  const others = (await store.list()).map((summary) => summary.pipeline);
  throw new CodedError('state_invalid', {
    message: `${store.place} has no state of pipeline "${pipeline}".`,
    remedy: others.length === 0 ? 'It has none at all yet.' : `It has: ${others.join(', ')} (choose with --name).`,
  });
}

/** The state of some streams. @throws CodedError `stream_unknown` for one that the state doesn't know */
export function pickState(state: SyncState, streams: readonly string[] | undefined): SyncState {
  if (streams === undefined) return state;
  const known = streamsOf(state);
  const unknown = streams.find((name) => !known.includes(name));
  if (unknown === undefined) return onlyStreams(state, streams);
  throw new CodedError('stream_unknown', {
    message: `There is no state of a stream "${unknown}".${didYouMean(unknown, known)}`,
    remedy: `Known: ${known.join(', ') || 'none'}.`,
  });
}

/** ` Did you mean "…"?`, or nothing. */
function didYouMean(name: string, known: readonly string[]): string {
  const [nearest] = nearestNames(name, known);
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}

/** `stream "a" of `, `streams "a", "b" of `, or nothing for all; for messages. */
export function ofStreams(streams: readonly string[] | undefined): string {
  if (streams === undefined) return '';
  return `${streams.length === 1 ? 'stream' : 'streams'} ${streams.map((name) => `"${name}"`).join(', ')} of `;
}

/** Prints the saved state of a pipeline: a table of its streams, or all of it as JSON. */
export async function stateShowCommand(
  args: StateArguments & { readonly json?: boolean | undefined },
  context: CommandContext,
): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  const streams = chosenStreams(args);
  return withPipelineState(pipeline, context, async ({ store }) => {
    const state = pickState(await loadState(store, pipeline.name), streams);
    if (args.json === true) {
      context.stdout.write(`${JSON.stringify(state, undefined, 2)}\n`);
      return 0;
    }
    const holder = (await store.list()).find((summary) => summary.pipeline === pipeline.name)?.holder;
    context.stdout.write(describeState(pipeline.name, state, holder));
    return 0;
  });
}

function describeState(name: string, state: SyncState, holder: LeaseHolder | undefined): string {
  const { source, sync_run } = state;
  const { progress } = sync_run;
  const rows = streamsOf(state).map((stream) => {
    const found = progress.streams[stream];
    const bytes = source.streams[stream] === undefined ? 0 : Buffer.byteLength(JSON.stringify(source.streams[stream]));
    const records = found === undefined ? '' : String(found.record_count);
    return [stream, found?.status ?? '', records, found?.synced_through ?? '', String(bytes), found?.message ?? ''];
  });
  const run = `pipeline ${name}, run ${sync_run.run_id ?? '(none)'}: ${progress.derived.status}, started ${progress.started_at}`;
  const held = holder === undefined ? '' : `running: process ${holder.pid} on ${holder.host}, since ${holder.since}\n`;
  return `${run}\n${held}${formatTable(['stream', 'status', 'records', 'synced through', 'state bytes', ''], rows)}`;
}

/** Forgets the saved state of a pipeline, what its connectors found out about their configs included; or of some streams. */
export async function stateResetCommand(
  args: StateArguments & { readonly yes?: boolean | undefined },
  context: CommandContext,
): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  const streams = chosenStreams(args);
  return withPipelineState(pipeline, context, async ({ store, secrets }) => {
    const what = `${ofStreams(streams)}pipeline "${pipeline.name}"`;
    await confirm(`Forget the state of ${what} in ${store.place}? What it was about is read again.`, args.yes, context);
    if (streams !== undefined) return resetStreams(store, pipeline.name, streams, context);
    const found = await store.reset(pipeline.name);
    await secrets.save({});
    context.stdout.write(
      found
        ? `The state of ${what} is gone from ${store.place}; the next sync reads it from the beginning.\n`
        : `There was no state of ${what} in ${store.place}.\n`,
    );
    return 0;
  });
}

async function resetStreams(
  store: StateStore,
  pipeline: string,
  streams: readonly string[],
  { stdout }: CommandContext,
): Promise<number> {
  const found = await store.resetStreams(pipeline, streams);
  const left = await store.load(pipeline).catch(() => undefined);
  for (const name of streams.filter((stream) => !found.includes(stream))) {
    const meant = left === undefined ? '' : didYouMean(name, streamsOf(left));
    stdout.write(`There was no state of ${ofStreams([name])}pipeline "${pipeline}" in ${store.place}.${meant}\n`);
  }
  if (found.length === 0) return 0;
  stdout.write(
    `The state of ${ofStreams(found)}pipeline "${pipeline}" is gone from ${store.place}; the next sync reads ${found.length === 1 ? 'it' : 'them'} from the beginning.\n`,
  );
  if (Object.keys(left?.source.global ?? {}).length > 0) {
    stdout.write(
      'What belongs to no stream stays, such as how far the source has read its events; a reset of all streams forgets it too.\n',
    );
  }
  return 0;
}
