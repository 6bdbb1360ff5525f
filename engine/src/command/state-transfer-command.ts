import { readFile } from 'node:fs/promises';
import { CodedError, describeIssues, parseExactly, type SyncState, syncStateSchema } from '@penstock/protocol';
import { loadPipeline } from '../pipeline/prepare.ts';
import { initialSyncState } from '../reduce/sync-state.ts';
import { encodeStreamState } from '../store/parse-state.ts';
import { inOrderOfNames, streamsOf, withStreamsOf } from '../store/streams-of-state.ts';
import { confirm } from './confirm.ts';
import { type CommandContext, pipelineRequest } from './options.ts';
import { chosenStreams, loadState, ofStreams, pickState, type StateArguments } from './state-command.ts';
import { withPipelineState } from './workspace.ts';

/** Largest text that is taken for a state, in bytes. */
const IMPORT_BYTES_MAX = 512 * 1024 * 1024;

/** What the state comes from by default, in messages. Nobody can be asked then. */
const STDIN = 'stdin';

/** The text of a state: the same for the same state, wherever it is kept. Pure. */
export function encodeState(state: SyncState): string {
  return `${JSON.stringify(inOrderOfNames(state), undefined, 2)}\n`;
}

/** Prints the saved state of a pipeline, or of some of its streams, as JSON that `state import` takes. */
export async function stateExportCommand(args: StateArguments, context: CommandContext): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  const streams = chosenStreams(args);
  return withPipelineState(pipeline, context, async ({ store }) => {
    context.stdout.write(encodeState(pickState(await loadState(store, pipeline.name), streams)));
    return 0;
  });
}

/** The flags of `penstock state import`. */
export interface StateImportArguments extends StateArguments {
  /** `-` and nothing are stdin. */
  readonly file?: string | undefined;
  readonly yes?: boolean | undefined;
}

/** Puts a state in the place of what is saved of a pipeline, or of some of its streams. Takes the lease while it does. */
export async function stateImportCommand(args: StateImportArguments, context: CommandContext): Promise<number> {
  const pipeline = await loadPipeline(pipelineRequest(args, context));
  const streams = chosenStreams(args);
  const [text, where] = await readInput(args.file ?? '-', context);
  const given = decodeState(text, where);
  // Before anything is asked or changed.
  const picked = pickState(given, streams);
  for (const [name, data] of Object.entries(picked.source.streams)) encodeStreamState(name, data);
  return withPipelineState(pipeline, context, async ({ store }) => {
    const what = `${ofStreams(streams)}pipeline "${pipeline.name}"`;
    await confirm(
      `Put the state of ${what} in ${store.place} in the place of what is there?`,
      args.yes === true || where === STDIN,
      context,
    );
    if (streams === undefined) await store.replace(pipeline.name, given);
    else {
      const session = await store.open(pipeline.name);
      try {
        const before = session.previous ?? initialSyncState({ now: Date.now(), catalog: { streams: [] } });
        await session.save(withStreamsOf(before, picked, streams));
      } finally {
        await session.close();
      }
    }
    const count = streamsOf(picked).length;
    context.stdout.write(
      `${store.place} now has the given state of ${what}: ${count} ${count === 1 ? 'stream' : 'streams'}.\n`,
    );
    return 0;
  });
}

/**
 * A text as state: what `state export` or a state file has.
 *
 * @param where it comes from, for messages
 * @throws CodedError `file_unreadable`, `file_invalid`, or `state_invalid` naming the field
 */
export function decodeState(text: string, where: string): SyncState {
  if (text.trim() === '') throw new CodedError('file_unreadable', { message: `${where} is empty.` });
  let value: unknown;
  try {
    value = parseExactly(text);
  } catch (cause) {
    throw new CodedError('file_invalid', { message: `${where} is not JSON: ${(cause as Error).message}.`, cause });
  }
  const parsed = syncStateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const isLike = typeof value === 'object' && value !== null && 'source' in value && 'sync_run' in value;
  const why = isLike ? `: ${describeIssues(parsed.error)}` : ', which is a JSON object with "source" and "sync_run"';
  throw new CodedError('state_invalid', {
    message: `${where} holds no state${why}.`,
    remedy: 'Give what `penstock state export` has printed.',
  });
}

async function readInput(path: string, { stdin }: CommandContext): Promise<[text: string, where: string]> {
  if (path !== '-') {
    const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new CodedError('file_unreadable', { message: `${path} can't be read: ${cause.code}.`, cause });
    });
    return [text, path];
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > IMPORT_BYTES_MAX) {
      const message = `stdin holds more than ${IMPORT_BYTES_MAX} bytes, which is no state.`;
      throw new CodedError('state_invalid', { message, remedy: '' });
    }
    chunks.push(Buffer.from(chunk));
  }
  return [Buffer.concat(chunks).toString(), STDIN];
}
