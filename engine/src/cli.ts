import { setImmediate } from 'node:timers/promises';
import { CodedError, toCodedError } from '@penstock/protocol';
import yargs, { type Argv } from 'yargs';
import packageJson from '../package.json' with { type: 'json' };
import { checkCommand } from './command/check-command.ts';
import { discoverCommand, specCommand } from './command/describe-commands.ts';
import { initCommand } from './command/init-command.ts';
import { type CommandContext, withPipelineOptions } from './command/options.ts';
import { postgresCommand } from './command/postgres-command.ts';
import { runsCommand } from './command/runs-command.ts';
import { schemaCommand } from './command/schema-command.ts';
import { setupCommand, teardownCommand } from './command/setup-command.ts';
import { stateResetCommand, stateShowCommand } from './command/state-command.ts';
import { stateExportCommand, stateImportCommand } from './command/state-transfer-command.ts';
import { untilStopped } from './command/stop-signals.ts';
import { syncCommand } from './command/sync-command.ts';
import { explainUsage } from './command/usage-hint.ts';
import { takeDottedFlags } from './pipeline/dotted-flags.ts';

const containersHelp = `Containers: --launcher docker runs the image source-stripe in place of the
program. How, say --pull, --docker.network NAME, --docker.memory 512m and
--docker.cpus 2, or the section docker of the file.`;

const configHelp = `Config of a connector, strongest first:
  flags        --stripe.rate-limit 50, --postgres.schema app; with --source. or
               --destination. before the type where both sides have the same
  file         source: {type: stripe, stripe: {rate_limit: 50}}
               \${NAME} in it is the environment
  environment  STRIPE_API_KEY, POSTGRES_URL: TYPE_KEY, for any other key
A secret is never a flag: use the environment, \${NAME} in the file, or a key
that ends in _file. \`penstock spec --source stripe\` lists the keys.

${containersHelp}`;

const syncHelp = `${configHelp}

Without a destination the data goes to a Postgres in your data folder, and its
URL is printed. A run that was cut off is continued by the next call; otherwise
a call begins a new run.

Exit codes:
   0  done                           30  try again
  10  stopped early, run again       40  a connector broke the protocol
  20  configuration or credentials   50  the state can't be reached
   2  wrong command line`;

const initHelp = `What the flags say is in the file; everything else that a pipeline and its
connectors can be told stands there behind a #, with what it means. A secret
is a reference to the environment. A connector is --source TYPE,
--source.image IMAGE or --source.command '["node", "connector.mjs"]'; the
destination likewise.`;

// The parser of the command line makes an empty text of a lone dash.
const fileOrDash = { type: 'string', coerce: (file?: string) => (file === '' ? '-' : file) } as const;

const only = {
  choices: ['source', 'destination'] as const,
  requiresArg: true,
  describe: 'One side alone',
} as const;

const json = { type: 'boolean', describe: 'Print JSON' } as const;

const yes = { type: 'boolean', alias: 'y', describe: 'Do it without asking' } as const;

const withStateOptions = <T>(y: Argv<T>) =>
  withPipelineOptions(y).option('stream', {
    type: 'string',
    requiresArg: true,
    describe: 'Only this stream; may be given several times',
  });

function commands(argv: readonly string[], context: CommandContext, setCode: (code: number) => void): Argv {
  const run = <A>(command: (args: A, context: CommandContext) => Promise<number>) => {
    return async (args: A): Promise<void> => setCode(await command(args, context));
  };
  // The connectors of a command that is given up end with it: they don't hear what a terminal tells this process.
  const runShort = <A>(command: (args: A, context: CommandContext) => Promise<number>) =>
    run((args: A) => untilStopped((signal) => command(args, { ...context, signal })));
  const parser = yargs([...argv]);
  return parser
    .scriptName('penstock')
    .locale('en')
    .usage('penstock <command>\n\nMoves data from a source to a destination.')
    .command(
      'sync',
      'Run a pipeline once',
      (y) =>
        withPipelineOptions(y)
          .option('json', { type: 'boolean', describe: 'Print every message as a JSON line' })
          .option('plain', {
            type: 'boolean',
            describe: 'Print a line for each change (the default without a terminal)',
          })
          .option('time-limit', { type: 'number', requiresArg: true, describe: 'Stop softly after so many seconds' })
          .option('record-limit', {
            type: 'number',
            requiresArg: true,
            describe: 'Stop softly after so many records',
          })
          .option('until-done', {
            type: 'boolean',
            describe: 'Go on and try again until nothing is left that another try could do',
          })
          .option('start-timeout', {
            type: 'number',
            requiresArg: true,
            describe: "Seconds until the source's first message (default 60)",
          })
          .option('stall-timeout', {
            type: 'number',
            requiresArg: true,
            describe: 'Seconds without any movement until a warning says who is waited for (default 60)',
          })
          .option('run-id', { type: 'string', requiresArg: true, describe: 'Continue or begin the run of this id' })
          .option('reset-state', {
            type: 'boolean',
            describe: 'Forget the saved position and start from the beginning',
          })
          .option('log-format', {
            choices: ['text', 'json'] as const,
            requiresArg: true,
            describe: 'Print a log: text, as with --plain, or a JSON object for each change',
          })
          .option('log-level', {
            choices: ['debug', 'info', 'warn', 'error'] as const,
            requiresArg: true,
            describe: 'Least level of logs to show (default info, and warn in the live view)',
          })
          .option('metrics-port', {
            type: 'number',
            requiresArg: true,
            describe: 'Serve metrics for Prometheus on this port while it runs; 0 takes a free one and says which',
          })
          .option('metrics-host', {
            type: 'string',
            requiresArg: true,
            describe: 'Address to serve them on (default 127.0.0.1; 0.0.0.0 is all)',
          })
          .conflicts('json', ['plain', 'log-format', 'log-level'])
          .example('penstock sync -c pipeline.yaml', 'Run a pipeline file')
          .example('penstock sync --source stripe', 'With STRIPE_API_KEY set')
          .example('penstock sync -c pipeline.yaml --streams customers', 'Only this one')
          .epilogue(syncHelp),
      run(syncCommand),
    )
    .command(
      'init [file]',
      'Write a pipeline file for a source and a destination',
      (y) =>
        withPipelineOptions(y)
          .positional('file', { ...fileOrDash, describe: 'The file (default: pipeline.yaml); - is stdout' })
          .option('force', { type: 'boolean', describe: 'Replace a file that is there' })
          .example('penstock init --source stripe --destination postgres', 'Write pipeline.yaml')
          .example('penstock init --source.image ghcr.io/example/source-shop:2', 'With a container')
          .epilogue(initHelp),
      runShort(initCommand),
    )
    .command(
      'check',
      'Say whether both sides can be used',
      (y) => withPipelineOptions(y).option('json', json).epilogue(configHelp),
      runShort(checkCommand),
    )
    .command(
      'setup',
      'Have both sides prepare for the pipeline, and keep what they find out',
      (y) => withPipelineOptions(y).option('only', only).option('json', json).epilogue(configHelp),
      runShort(setupCommand),
    )
    .command(
      'teardown',
      'Have both sides take back what setup made, the tables included, and forget the saved position',
      (y) => withPipelineOptions(y).option('only', only).option('yes', yes).option('json', json).epilogue(configHelp),
      runShort(teardownCommand),
    )
    .command(
      'discover',
      'List the streams of the source',
      (y) => withPipelineOptions(y).option('json', json).epilogue(configHelp),
      runShort(discoverCommand),
    )
    .command(
      'spec',
      'List what the config of a connector may hold',
      (y) => withPipelineOptions(y).option('json', json).epilogue(containersHelp),
      runShort(specCommand),
    )
    .command(
      'schema [file]',
      'Print the JSON Schema of a pipeline file, for editors',
      (y) =>
        withPipelineOptions(y).positional('file', {
          type: 'string',
          describe: 'With the config of the connectors of this file, or of those that flags name',
        }),
      runShort(schemaCommand),
    )
    .command('state', 'Look at the saved state, move it, or forget it', (y) =>
      y
        .command(
          'show',
          'Print how far each stream is',
          (z) => withStateOptions(z).option('json', json),
          runShort(stateShowCommand),
        )
        .command(
          'reset',
          'Forget the state, so that everything is read again',
          (z) => withStateOptions(z).option('yes', yes),
          runShort(stateResetCommand),
        )
        .command(
          'export',
          'Print the state as JSON, for import',
          (z) => withStateOptions(z),
          runShort(stateExportCommand),
        )
        .command(
          'import [file]',
          'Put an exported state in the place of what is saved',
          (z) =>
            withStateOptions(z)
              .positional('file', { ...fileOrDash, describe: 'What export has printed (default: stdin)' })
              .option('yes', yes),
          runShort(stateImportCommand),
        )
        .demandCommand(1, 'Say what to do: show, reset, export or import.'),
    )
    .command(
      'runs',
      'List the last runs of a pipeline: when, how long, what came of them',
      (y) =>
        withPipelineOptions(y)
          .option('limit', { type: 'number', requiresArg: true, describe: 'At most so many (default 20)' })
          .option('json', json),
      runShort(runsCommand),
    )
    .command('pretty', 'Show messages that are piped in, for example by sync --json', {}, async () => {
      const { pretty } = await import('./report/pretty.ts');
      await pretty(context.stdin, context.stdout);
    })
    .command('postgres', 'Run the Postgres in your data folder, to look at the data', {}, () =>
      postgresCommand(context).then(setCode),
    )
    .demandCommand(1, 'Give a command.')
    .recommendCommands()
    .strict()
    .help()
    .alias('help', 'h')
    .version(packageJson.version)
    .wrap(Math.min(110, context.stdout.columns ?? 110))
    .exitProcess(false)
    .fail((text: string | null, error: Error | undefined) => {
      if (error !== undefined) throw error;
      const message = explainUsage(text ?? 'The command line is not valid', argv, flagsOf(parser));
      throw new CodedError('usage', { message });
    });
}

/** The flags of the command that is being parsed, without dashes and without those of one letter. */
function flagsOf(parser: Argv): string[] {
  // Not in the parser's types.
  const { key } = (parser as unknown as { getOptions(): { key: Record<string, unknown> } }).getOptions();
  return Object.keys(key).filter((flag) => flag.length > 1 && !/[A-Z]/.test(flag));
}

/** What the command has of the process that it is. */
export type CliProcess = Pick<NodeJS.Process, 'env' | 'stdin' | 'stdout' | 'stderr'>;

/**
 * The `penstock` command.
 *
 * @param argv without the program's own name
 * @param self this process; a test may give streams of its own
 * @returns the exit code; every error was told on stderr
 */
export async function runCli(argv: readonly string[], self: CliProcess = process): Promise<number> {
  const { flags, rest } = takeDottedFlags(argv);
  const { stdin, stdout, stderr, env } = self;
  const context: CommandContext = { flags, environment: env, stdin, stdout, stderr };
  let lost: NodeJS.ErrnoException | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has left, as in `penstock discover | head`, is no error.
    if (error.code !== 'EPIPE') lost ??= error;
  });
  let exitCode = 0;
  try {
    await commands(rest, context, (code) => {
      exitCode = code;
    }).parseAsync();
    // A failed write is told in the next turn of the event loop.
    await setImmediate();
    if (lost !== undefined) throw outputLost(lost);
    return exitCode;
  } catch (thrown) {
    const error = toUsageError(thrown);
    stderr.write(`penstock: ${error.text.trim()}\n`);
    if (error.code === 'internal' && env.PENSTOCK_DEBUG !== undefined) console.error(error.cause);
    return error.exitCode;
  }
}

function outputLost(cause: NodeJS.ErrnoException): CodedError {
  return new CodedError('output_lost', { message: `The output could not be written: ${cause.message}.`, cause });
}

/** What the command line's parser throws is about the command line. */
function toUsageError(thrown: unknown): CodedError {
  if (thrown instanceof Error && thrown.name === 'YError')
    return new CodedError('usage', { message: `${thrown.message}.` });
  return toCodedError(thrown);
}
