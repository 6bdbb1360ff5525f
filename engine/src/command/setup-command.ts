import {
  CodedError,
  type ConfiguredCatalog,
  ExitCode,
  encodeMessage,
  type Message,
  message as make,
  type SyncState,
  scrubText,
  toCodedError,
} from '@penstock/protocol';
import { askConnector, type CommandEnd, runCommand } from '../launch/ask-connector.ts';
import { configureCatalog } from '../pipeline/configured-catalog.ts';
import { loadPipeline, type PreparedSide, prepareSide } from '../pipeline/prepare.ts';
import type { Side } from '../pipeline/resolve-connector.ts';
import { ResolvedSides } from '../pipeline/resolved-sides.ts';
import { initialSyncState } from '../reduce/sync-state.ts';
import { showMessage } from '../relay/show-message.ts';
import { isShown, logLine } from '../report/log-line.ts';
import { paint, wantsColor } from '../report/paint.ts';
import { streamsOf, withoutStreams } from '../store/streams-of-state.ts';
import { canAsk, confirm } from './confirm.ts';
import { type CommandContext, type PipelineArguments, pipelineRequest } from './options.ts';
import { ofStreams } from './state-command.ts';
import {
  askOptions,
  type PipelineState,
  prepareContext,
  reachesOwnPostgres,
  withOwnPostgres,
  withPipelineState,
} from './workspace.ts';

/** The two commands that this is about. */
type Command = 'setup' | 'teardown';

/** The flags of `penstock setup` and `penstock teardown`. */
export interface SetupArguments extends PipelineArguments {
  readonly json?: boolean | undefined;
  /** One side alone. */
  readonly only?: 'source' | 'destination' | undefined;
}

/** The flags of `penstock teardown`. */
export interface TeardownArguments extends SetupArguments {
  /** Nobody is asked. */
  readonly yes?: boolean | undefined;
}

/** Has both sides prepare for the pipeline, and keeps what they find out. @returns the exit code: that of the worst */
export function setupCommand(args: SetupArguments, context: CommandContext): Promise<number> {
  return runOnSides('setup', args, context);
}

/**
 * Has both sides take back what `setup` made, and forgets what they found out. Where the destination does so, the position of
 * what was in it is forgotten too: kept, it would let the next sync leave out what is not there any more.
 *
 * @returns as {@link setupCommand}
 * @throws CodedError `usage` where the destination would have to and nobody can be asked, `stopped` for any answer but yes
 */
export function teardownCommand(args: TeardownArguments, context: CommandContext): Promise<number> {
  return runOnSides('teardown', args, context);
}

async function runOnSides(command: Command, args: TeardownArguments, context: CommandContext): Promise<number> {
  const loaded = await loadPipeline(pipelineRequest(args, context));
  const isComplete = loaded.destination !== undefined || !reachesOwnPostgres(loaded);
  // First the mistakes that can be found without a server.
  const source = (await prepareSide(
    isComplete ? loaded : withOwnPostgres(loaded, ''),
    'source',
    prepareContext(context),
  ))!;
  return withPipelineState(loaded, context, async (found) => {
    const sides: PreparedSide[] = args.only === 'destination' ? [] : [source];
    if (args.only !== 'source') {
      const destination = await prepareSide(found.pipeline, 'destination', prepareContext(context));
      if (destination !== undefined) sides.push(destination);
    }
    // What was made last is taken back first.
    if (command === 'teardown') sides.reverse();
    const report = new SetupReport(command, args.json === true, context);
    const able = sides.filter((side) => mayHave(side, command));
    const destination = able.find(({ side }) => side === 'destination');
    if (command === 'teardown' && destination !== undefined) await confirmTeardown(destination, found, args, context);
    for (const side of sides) if (!able.includes(side)) report.nothing(side);
    if (able.length > 0) await runAll(command, able, source, found, report, context);
    return report.exitCode;
  });
}

/** Whether the connector has the command, or doesn't say. One that somebody else starts can only be asked for what it has said. */
function mayHave({ choice, spec }: PreparedSide, command: Command): boolean {
  return choice.kind !== 'pipes' && (spec.commands === undefined || spec.commands.includes(command));
}

async function confirmTeardown(
  { connector }: PreparedSide,
  { pipeline, store }: PipelineState,
  { yes }: TeardownArguments,
  context: CommandContext,
): Promise<void> {
  const what = `${ofStreams(pipeline.streams?.map(({ name }) => name))}pipeline "${pipeline.name}"`;
  const loss = `the tables of ${what} in ${connector.name}, and its saved position in ${store.place}`;
  if (yes !== true && !canAsk(context)) {
    throw new CodedError('usage', {
      message: `teardown removes ${loss}, and without a terminal nobody can be asked whether to.`,
      remedy: 'Give --yes to do it without asking, or --only source to leave the destination as it is.',
    });
  }
  await confirm(`Remove ${loss}? The next sync reads it from the beginning.`, yes, context);
}

async function runAll(
  command: Command,
  able: readonly PreparedSide[],
  source: PreparedSide,
  { pipeline, store, secrets }: PipelineState,
  report: SetupReport,
  context: CommandContext,
): Promise<void> {
  const session = await store.open(pipeline.name);
  try {
    const before = session.previous ?? initialSyncState({ now: Date.now(), catalog: { streams: [] } });
    let state: SyncState = before;
    const sides: ResolvedSides = new ResolvedSides({
      // The source is asked for its streams in any case.
      sides: Object.fromEntries([source, ...able].map((side) => [side.side, side])),
      secretsFile: secrets,
      onKept: (resolved_config) => {
        state = { ...state, resolved_config };
      },
      onLog: (log) => report.show(make.log(log), 'engine', undefined, sides.secrets),
    });
    await sides.use(session.previous?.resolved_config);
    try {
      const catalog = await discover(sides.get('source'), pipeline.streams, context);
      for (const { side } of able) {
        const isDone = await runOne(command, sides, side, catalog, report, context);
        if (!isDone || command !== 'teardown' || side !== 'destination' || session.previous === undefined) continue;
        const names = catalog.streams.map(({ stream }) => stream.name);
        state = withoutPosition(state, names, Date.now());
        // At once: what comes after may fail, and the tables are gone.
        await session.save(state);
        const left = streamsOf(state).length === 0 ? undefined : names;
        const message = `The saved position of ${ofStreams(left)}pipeline "${pipeline.name}" in ${store.place} is forgotten; the next sync reads it from the beginning.`;
        report.show(make.log({ level: 'info', message }), 'engine', undefined, sides.secrets);
      }
    } finally {
      // Whatever came between: what was made is to be known.
      await sides.whenIdle();
      if (state !== before) await session.save(state);
    }
  } finally {
    await session.close();
  }
}

/**
 * The state as if these streams had never been read. When no other is left, what belongs to no stream goes too; what the
 * connectors found out about their configs stays. Pure.
 */
function withoutPosition(state: SyncState, names: readonly string[], now: number): SyncState {
  const left = withoutStreams(state, names);
  if (streamsOf(left).length > 0) return left;
  const { resolved_config } = state;
  const nothing = initialSyncState({ now, catalog: { streams: [] } });
  return { ...nothing, ...(resolved_config === undefined ? {} : { resolved_config }) };
}

async function discover(
  { connector, config, secrets }: PreparedSide,
  streams: PipelineState['pipeline']['streams'],
  context: CommandContext,
): Promise<ConfiguredCatalog> {
  const request = { command: 'discover', config, secrets } as const;
  const { catalog } = await askConnector(connector, request, 'catalog', askOptions(context));
  return configureCatalog(catalog, streams, undefined);
}

/** @returns whether the side has done it @throws CodedError `stopped`; any other failure of the connector is reported */
async function runOne(
  command: Command,
  sides: ResolvedSides,
  name: Side,
  catalog: ConfiguredCatalog,
  report: SetupReport,
  context: CommandContext,
): Promise<boolean> {
  const side = sides.get(name);
  const { connector, config, secrets, spec } = side;
  let hasConfig = false;
  const listen = (message: Message): void => {
    if (message.type === 'control') {
      hasConfig = true;
      sides.take(name, message.control);
    }
    if (message.type === 'control' || message.type === 'log') report.show(message, connector.name, side, sides.secrets);
  };
  let end: CommandEnd;
  try {
    const request = { command, config, secrets, catalog };
    end = await runCommand(connector, request, listen, { ...askOptions(context), isSure: spec.commands !== undefined });
  } catch (thrown) {
    const error = toCodedError(thrown);
    if (error.code === 'stopped') throw error;
    report.failed(side, error, sides.secrets);
    return false;
  }
  if (end === 'unknown_command') {
    report.nothing(side);
    return false;
  }
  // What it found out is of use for what it made.
  if (command === 'teardown' && !hasConfig) sides.forget(name);
  report.done(side);
  return true;
}

const words = { setup: ['is set up', 'set up'], teardown: ['is torn down', 'tear down'] } as const;

/** Says how it goes: logs as they come, and one line for each side. */
class SetupReport {
  readonly #command: Command;
  readonly #isJson: boolean;
  readonly #context: CommandContext;
  exitCode: number = ExitCode.done;

  constructor(command: Command, isJson: boolean, context: CommandContext) {
    this.#command = command;
    this.#isJson = isJson;
    this.#context = context;
  }

  /** @param side whose schema says what is secret in a `control` */
  show(message: Message, by: string, side: PreparedSide | undefined, secrets: readonly string[]): void {
    const { stdout, environment } = this.#context;
    const shown = showMessage(message, { spec: side?.spec ?? { config: {}, protocol_version: 1 }, secrets });
    if (this.#isJson) stdout.write(encodeMessage({ ...shown, _emitted_by: by }));
    else if (shown.type === 'log' && isShown(shown.log.level, 'info')) {
      stdout.write(`${paint(logLine(shown.log, by), wantsColor(stdout, environment))}\n`);
    }
  }

  done(side: PreparedSide): void {
    this.#say(side, 'ok', words[this.#command][0]);
  }

  nothing(side: PreparedSide): void {
    const other = side.choice.kind === 'pipes' ? `: whoever starts it also runs its ${this.#command}` : '';
    this.#say(side, 'ok', `has nothing to ${words[this.#command][1]}${other}`);
  }

  failed(side: PreparedSide, error: CodedError, secrets: readonly string[]): void {
    this.exitCode = Math.max(this.exitCode, error.exitCode);
    this.#say(side, 'failed', scrubText(error.text.trim(), secrets), error);
  }

  #say({ side, connector }: PreparedSide, outcome: 'ok' | 'failed', text: string, error?: CodedError): void {
    const { stdout } = this.#context;
    const whole = text.startsWith(connector.name) ? text : `${connector.name} ${text}`;
    if (!this.#isJson) {
      stdout.write(`${side.padEnd(11)} ${outcome.padEnd(6)} ${whole}\n`);
      return;
    }
    const status = error === undefined ? 'succeeded' : 'failed';
    const failure = error === undefined ? {} : { failure_type: error.failureType };
    const message = make.connectionStatus({ status, message: whole, ...failure });
    stdout.write(encodeMessage({ ...message, _emitted_by: connector.name }));
  }
}
