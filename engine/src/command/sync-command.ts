import { CodedError, encodeMessage, type LogPayload, toCodedError } from '@penstock/protocol';
import { failureBeforeRun } from '../failure-before-run.ts';
import type { Connector } from '../launch/launcher.ts';
import { removeLeftovers } from '../launch/private-folder.ts';
import type { Environment } from '../pipeline/environment.ts';
import { locateState } from '../pipeline/locate-state.ts';
import { readMetricsSettings } from '../pipeline/metrics-settings.ts';
import { loadPipeline, type NamedPipeline, prepareSide } from '../pipeline/prepare.ts';
import { encodeLogEntry, failedEntry, noteEntry } from '../report/log-entry.ts';
import type { Reporter, ReportMode } from '../report/reporter.ts';
import type { ServedMetrics } from '../report/serve-metrics.ts';
import { runSync } from '../sync.ts';
import { runUntilDone } from '../sync-until-done.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { exitAnyway, listenForStop } from './stop-signals.ts';
import { openStateStore, prepareContext, secretsFileOf, startOwnPostgres, withOwnPostgres } from './workspace.ts';

/** How long a reader of stdout that has stalled may keep a run from ending that was told to stop, in milliseconds. */
const STALLED_READER_MS = 30_000;

/** Longest delay of a timer, in seconds: 24 days. */
const TIMER_SECONDS_MAX = 2_147_483;

/** The flags of `penstock sync`. */
export interface SyncArguments extends PipelineArguments {
  readonly json?: boolean | undefined;
  readonly plain?: boolean | undefined;
  /** Seconds. */
  readonly timeLimit?: number | undefined;
  /** Records. */
  readonly recordLimit?: number | undefined;
  /** Goes on by itself until the run is done. */
  readonly untilDone?: boolean | undefined;
  /** Seconds. */
  readonly startTimeout?: number | undefined;
  /** Seconds. */
  readonly stallTimeout?: number | undefined;
  readonly runId?: string | undefined;
  readonly resetState?: boolean | undefined;
  readonly logFormat?: 'text' | 'json' | undefined;
  /** The least level that is shown. */
  readonly logLevel?: LogPayload['level'] | undefined;
  readonly metricsPort?: number | undefined;
  readonly metricsHost?: string | undefined;
}

/** Runs a pipeline once, or until its run is done. @returns the exit code */
export async function syncCommand(args: SyncArguments, context: CommandContext): Promise<number> {
  const { stdout, stderr, environment } = context;
  let reporter: Reporter | undefined;
  const isJsonLog = args.logFormat === 'json';
  let name = args.name;
  const say = (text: string): void => {
    if (reporter?.say(text) === true) return;
    stderr.write(isJsonLog ? encodeLogEntry(noteEntry(text, Date.now(), { pipeline: name })) : `${text}\n`);
  };
  const stop = listenForStop(say);
  const undo: (() => Promise<void>)[] = [];
  const found = { connectors: [] as Connector[], all: Promise.resolve() as Promise<unknown> };
  let isDone = false;
  try {
    const timeLimitMs = milliseconds(args.timeLimit, '--time-limit');
    const recordLimit = records(args.recordLimit);
    const startTimeoutMs = milliseconds(args.startTimeout, '--start-timeout');
    const stallTimeoutMs = milliseconds(args.stallTimeout, '--stall-timeout');
    await removeLeftovers();
    // Loaded while the connectors start: the terminal display is large.
    const reporting = import('../report/reporter.ts');
    const prepare = {
      ...prepareContext(context, stop.soft),
      onNote: say,
      onConnector: (each: Connector) => void found.connectors.push(each),
    };
    const loaded = await loadPipeline(pipelineRequest(args, context));
    name = loaded.name;
    const metrics = await startMetrics(args, loaded, environment, say);
    if (metrics !== undefined) undo.push(() => metrics.close());
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
    const both = [preparing, prepareSide(pipeline, 'destination', prepare)] as const;
    // When one can't be prepared, the other is still on its way.
    if (pipeline.source.kind === 'pipes' || pipeline.destination?.kind === 'pipes')
      found.all = Promise.allSettled(both);
    const [source, destination] = await Promise.all(both);
    const store = openStateStore(await locateState(pipeline, destination));
    undo.push(() => store.close());
    const mode = reportMode(args, context);
    const { createReporter } = await reporting;
    let runId: string | undefined;
    const { logLevel } = args;
    const shown = createReporter({
      mode,
      stdout,
      pipeline: pipeline.name,
      runId: () => runId,
      ...(logLevel && { logLevel }),
    });
    reporter = shown;
    stop.hard.addEventListener('abort', shown.stopWaiting, { once: true });
    const run = args.untilDone === true ? runUntilDone : runSync;
    const result = await run({
      name: pipeline.name,
      source: source!,
      destination: destination!,
      streams: pipeline.streams,
      store,
      secretsFile: secretsFileOf(
        pipeline,
        store,
        environment,
        loaded.destination === undefined && loaded.state === undefined,
      ),
      onMessage: (message) => {
        metrics?.take({ type: 'message', message });
        return shown.onMessage(message);
      },
      onRun: (id) => {
        runId = id;
        const components = [source!.connector.name, destination!.connector.name, 'engine'];
        metrics?.take({ type: 'run_known', runId: id, components });
      },
      onRelayed: metrics && ((counts, waitedMs) => metrics.take({ type: 'relayed', counts, waitedMs })),
      onSaved: metrics && (() => metrics.take({ type: 'state_saved', at: Date.now() })),
      runId: args.runId,
      resetState: args.resetState,
      timeLimitMs,
      recordLimit,
      startTimeoutMs,
      stallTimeoutMs,
      signal: stop.soft,
      killSignal: stop.hard,
    });
    isDone = result.exitCode === 0;
    await closeInTime(shown, stop.soft.aborted || result.eof.reason === 'time_limit');
    if (result.error !== undefined && mode === 'json') say(`penstock: ${result.error.text.trim()}`);
    return result.exitCode;
  } catch (thrown) {
    const error = toCodedError(thrown);
    if (args.json === true)
      for (const message of failureBeforeRun(error, Date.now()))
        stdout.write(encodeMessage({ ...message, ...(name && { _pipeline: name }) }));
    else if (isJsonLog) stdout.write(encodeLogEntry(failedEntry(error, Date.now(), { pipeline: name })));
    throw error;
  } finally {
    await found.all;
    await Promise.all(found.connectors.map((connector) => connector.release?.(isDone)));
    for (const step of undo.reverse()) await step();
    stop.dispose();
  }
}

/** Serves metrics where somebody wants them; before anything else is started, so that a bad port costs nothing. */
async function startMetrics(
  args: SyncArguments,
  pipeline: NamedPipeline,
  environment: Environment,
  say: (text: string) => void,
): Promise<ServedMetrics | undefined> {
  const settings = readMetricsSettings(args, pipeline.metrics, environment);
  if (settings === undefined) return undefined;
  // Most runs need neither a server nor what writes the text.
  const { serveMetrics } = await import('../report/serve-metrics.ts');
  const served = await serveMetrics(settings, pipeline.name, ({ message }) => say(`Metrics: ${message}`));
  say(`Metrics: ${served.url}`);
  return served;
}

/** Waits until everything is written; a run that was told to stop waits only so long for a reader that has stalled. */
async function closeInTime(reporter: Reporter, wasStopped: boolean): Promise<void> {
  const giveUp = (): void => {
    reporter.stopWaiting();
    exitAnyway();
  };
  const timer = wasStopped ? setTimeout(giveUp, STALLED_READER_MS) : undefined;
  await reporter.close();
  clearTimeout(timer);
}

function milliseconds(seconds: number | undefined, flag: string): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds > 0 && seconds <= TIMER_SECONDS_MAX) return seconds * 1000;
  const message = `${flag}: expected a number of seconds greater than 0, at most ${TIMER_SECONDS_MAX}.`;
  throw new CodedError('usage', { message });
}

function records(limit: number | undefined): number | undefined {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return limit;
  throw new CodedError('usage', { message: '--record-limit: expected a whole number of records, at least 1.' });
}

function reportMode({ json, plain, logFormat }: SyncArguments, context: CommandContext): ReportMode {
  if (json === true) return 'json';
  if (logFormat === 'json') return 'json-log';
  return plain === true || logFormat === 'text' || !canRedraw(context) ? 'plain' : 'live';
}

/** Whether stdout is a terminal that can move its cursor. */
function canRedraw({ stdout, environment }: CommandContext): boolean {
  return stdout.isTTY === true && environment.TERM !== 'dumb';
}
