import { CodedError, encodeMessage, toCodedError } from '@penstock/protocol';
import { removeLeftovers } from '../launch/private-folder.ts';
import { loadPipeline, locateState, prepareSide } from '../pipeline/prepare.ts';
import { failureBeforeRun, runSync } from '../sync.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { listenForStop } from './stop-signals.ts';
import { openStateStore, prepareContext, startOwnPostgres, withOwnPostgres } from './workspace.ts';

/** The flags of `penstock sync`. */
export interface SyncArguments extends PipelineArguments {
  readonly json?: boolean | undefined;
  readonly plain?: boolean | undefined;
  /** Seconds. */
  readonly timeLimit?: number | undefined;
  /** Seconds. */
  readonly startTimeout?: number | undefined;
  readonly runId?: string | undefined;
  readonly resetState?: boolean | undefined;
}

/** Runs a pipeline once. @returns the exit code */
export async function syncCommand(args: SyncArguments, context: CommandContext): Promise<number> {
  const { stdout, stderr, environment } = context;
  const say = (text: string): void => void stderr.write(`${text}\n`);
  const stop = listenForStop(say);
  const undo: (() => Promise<void>)[] = [];
  try {
    await removeLeftovers();
    // Loaded while the connectors start: the terminal display is large.
    const reporting = import('../report/reporter.ts');
    const prepare = prepareContext(context, { signal: stop.soft });
    const loaded = await loadPipeline(pipelineRequest(args, context));
    let pipeline = loaded.destination === undefined ? withOwnPostgres(loaded, '') : loaded;
    const preparing = prepareSide(pipeline, 'source', prepare);
    if (loaded.destination === undefined) {
      // First the mistakes that can be found without a server.
      await preparing;
      const own = await startOwnPostgres(environment, stop.soft);
      undo.push(own.stop);
      say(`The pipeline has no destination: the data goes to a Postgres of your own, ${own.url}`);
      if (own.owned) say('It stops with this command; `penstock postgres` starts it again to look at the data.');
      pipeline = withOwnPostgres(pipeline, own.url);
    }
    const [source, destination] = await Promise.all([preparing, prepareSide(pipeline, 'destination', prepare)]);
    const store = openStateStore(await locateState(pipeline, destination));
    undo.push(() => store.close());
    const mode = args.json === true ? 'json' : args.plain === true || !stdout.isTTY ? 'plain' : 'live';
    const { createReporter } = await reporting;
    let runId: string | undefined;
    const reporter = createReporter({ mode, stdout, pipeline: pipeline.name, runId: () => runId });
    const result = await runSync({
      name: pipeline.name,
      source: source!,
      destination: destination!,
      streams: pipeline.streams,
      store,
      onMessage: (message) => reporter.onMessage(message),
      onRun: (id) => {
        runId = id;
      },
      runId: args.runId,
      resetState: args.resetState,
      timeLimitMs: seconds(args.timeLimit, '--time-limit'),
      startTimeoutMs: seconds(args.startTimeout, '--start-timeout'),
      signal: stop.soft,
      killSignal: stop.hard,
    });
    await reporter.close();
    if (result.error !== undefined && mode === 'json') say(`penstock: ${result.error.text.trim()}`);
    return result.exitCode;
  } catch (thrown) {
    const error = toCodedError(thrown);
    if (args.json === true)
      for (const message of failureBeforeRun(error, Date.now())) stdout.write(encodeMessage(message));
    throw error;
  } finally {
    for (const step of undo.reverse()) await step();
    stop.dispose();
  }
}

function seconds(value: number | undefined, flag: string): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isFinite(value) && value > 0) return value * 1000;
  throw new CodedError('usage', { message: `${flag}: expected a number of seconds greater than 0.` });
}
