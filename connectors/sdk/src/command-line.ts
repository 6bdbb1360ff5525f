import { resolve } from 'node:path';
import { nearestNames, secretPaths } from '@penstock/protocol';
import yargs, { type Argv } from 'yargs';
import { configJsonSchema } from './config-file.ts';
import { type AnyConnector, isSource, programName } from './connector.ts';
import { configHelp } from './help-text.ts';

/** The commands of the protocol; which of them a connector has follows from its functions. */
export type CommandName = 'spec' | 'check' | 'discover' | 'read' | 'write' | 'setup' | 'teardown';

const flagTexts = {
  config: 'The config, a JSON file',
  catalog: 'The streams to move: a JSON file, for example what `discover` printed',
  state: 'What an earlier run printed (its lines, or the state as JSON), to go on from there',
  'source-input': 'Input of the source, one JSON value a line',
  'stop-on-stdin-end': 'Stop, as on SIGTERM, when stdin ends',
  input: 'Read this file or named pipe instead of stdin',
  output: 'Write this file or named pipe instead of stdout',
} as const;

type FlagName = keyof typeof flagTexts;

interface Command {
  readonly about: string;
  readonly required: readonly FlagName[];
  readonly optional: readonly FlagName[];
  readonly examples: readonly (readonly [string, string])[];
}

function commandsOf(connector: AnyConnector): Partial<Record<CommandName, Command>> {
  const commands: Partial<Record<CommandName, Command>> = {
    spec: {
      about: 'Prints what the config may hold: one `spec` message',
      required: [],
      optional: ['output'],
      examples: [['spec', 'The JSON Schema of the config']],
    },
    check: {
      about: 'Tries the config: prints one `connection_status` message; exits with 0 also when that says `failed`',
      required: ['config'],
      optional: ['input', 'output'],
      examples: [['check --config config.json', 'Does the connection work?']],
    },
  };
  if (isSource(connector)) {
    commands.discover = {
      about: 'Prints the streams that there are: one `catalog` message',
      required: ['config'],
      optional: ['input', 'output'],
      examples: [['discover --config config.json > catalog.json', 'Keep the catalog, for read and write']],
    };
    commands.read = {
      about: 'Reads the streams of the catalog: prints records, checkpoints and statuses, one JSON object a line',
      required: ['config', 'catalog'],
      optional: [
        'state',
        ...(connector.sourceInput === undefined ? [] : (['source-input'] as const)),
        'stop-on-stdin-end',
        'input',
        'output',
      ],
      examples: [
        ['read --config config.json --catalog catalog.json', 'Everything'],
        ['read --config config.json --catalog catalog.json \\\n    --state state.ndjson', 'What is new since then'],
      ],
    };
  } else {
    commands.write = {
      about: 'Writes what comes in on stdin: prints each checkpoint once all records before it are committed',
      required: ['config', 'catalog'],
      optional: ['input', 'output'],
      examples: [
        ['write --config config.json --catalog catalog.json \\\n    < messages.ndjson', 'From a file'],
        [
          'write --config config.json --catalog catalog.json |\n    tee -a state.ndjson',
          'Keep the state for the next read',
        ],
      ],
    };
  }
  for (const name of ['setup', 'teardown'] as const) {
    if (connector[name] === undefined) continue;
    commands[name] = {
      about: name === 'setup' ? 'Prepares the other side for a sync' : 'Takes back what setup (and write) made',
      required: ['config'],
      optional: ['catalog', 'input', 'output'],
      examples: [],
    };
  }
  return commands;
}

/** A command that is to be run, its flags checked. */
export interface Invocation {
  readonly command: CommandName;
  readonly flags: { readonly [Flag in Exclude<FlagName, 'stop-on-stdin-end'>]?: string } & {
    readonly 'stop-on-stdin-end'?: boolean;
  };
}

/** What a command line asks for. `refused` is one line for stderr and exit code 2. */
export type ParsedCommandLine =
  | { readonly kind: 'run'; readonly invocation: Invocation }
  | { readonly kind: 'show'; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string };

/** Flags that `-` makes read stdin. `write` reads its messages there, so it takes none. */
const stdinFlags = ['config', 'source-input'] as const;

/** Reads the arguments after the program's name. Values of unknown flags are not repeated: they may be secrets (P7). */
export async function parseCommandLine(connector: AnyConnector, args: readonly string[]): Promise<ParsedCommandLine> {
  const program = programName(connector);
  const commands = commandsOf(connector);
  const refuse = (text: string): ParsedCommandLine => ({ kind: 'refused', text });

  const unknown = refuseUnknown(connector, commands, args);
  if (unknown !== undefined) return refuse(unknown);

  let shown = '';
  let failure: string | undefined;
  const called = args.find((arg): arg is CommandName => Object.hasOwn(commands, arg));
  const parser =
    called === undefined || asksForHelp(args)
      ? describeProgram(connector, commands)
      : describeCall(called, commands[called]!);
  parser.fail((message, error) => {
    failure ??= message ?? error.message;
  });
  const argv = await parser.parseAsync([...args], {}, (_error, _argv, output) => {
    shown = output;
  });
  if (failure?.startsWith('Unknown argument') === true)
    return refuse(`There are arguments that belong to no flag. Run ${program} --help.`);
  if (failure !== undefined) {
    failure = failure.replace(
      /^Missing required arguments?: (.*)/,
      (_, names: string) => `Missing: --${names.replaceAll(', ', ', --')}`,
    );
    return refuse(
      `${failure.replace(/\s*\n\s*/g, ' ').replace(/\.?$/, '.')} Run ${[program, called].filter(Boolean).join(' ')} --help.`,
    );
  }
  if (argv.help === true || argv.version === true) return { kind: 'show', text: `${shown}\n` };
  const command = argv._[0] as CommandName;
  const flags = Object.fromEntries(
    Object.keys(flagTexts).flatMap((flag) => (argv[flag] === undefined ? [] : [[flag, argv[flag]]])),
  ) as Invocation['flags'];
  return refuseFlags(command, flags) ?? { kind: 'run', invocation: { command, flags } };
}

function refuseFlags(command: CommandName, flags: Invocation['flags']): ParsedCommandLine | undefined {
  for (const [flag, value] of Object.entries(flags)) {
    if (Array.isArray(value)) return { kind: 'refused', text: `--${flag} is given more than once.` };
    if (value === '') return { kind: 'refused', text: `--${flag} needs a value.` };
    if (value === '-' && !stdinFlags.includes(flag as (typeof stdinFlags)[number])) {
      return {
        kind: 'refused',
        text: `--${flag} can not be -: only --config and --source-input may be read from stdin.`,
      };
    }
  }
  // Opening the output empties it, before anything is read.
  for (const flag of ['config', 'catalog', 'state', 'source-input', 'input'] as const) {
    const [path, output] = [flags[flag], flags.output];
    if (path === undefined || output === undefined || resolve(path) !== resolve(output)) continue;
    // A device or terminal may be both.
    if (output.startsWith('/dev/')) continue;
    return { kind: 'refused', text: `--output and --${flag} name the same file, which would be emptied.` };
  }
  const fromStdin = stdinFlags.filter((flag) => flags[flag] === '-');
  if (fromStdin.length === 2) {
    return { kind: 'refused', text: 'Only one of --config and --source-input can be read from stdin.' };
  }
  if (fromStdin.length === 0) return undefined;
  const [flag] = fromStdin;
  if (command === 'write') {
    return { kind: 'refused', text: `write reads its messages from stdin, so --${flag} can not be -; give a file.` };
  }
  if (flags['stop-on-stdin-end'] === true) {
    return { kind: 'refused', text: `--stop-on-stdin-end needs stdin for itself, so --${flag} can not be -.` };
  }
  return undefined;
}

function refuseUnknown(
  connector: AnyConnector,
  commands: Partial<Record<CommandName, Command>>,
  args: readonly string[],
): string | undefined {
  const program = programName(connector);
  const names = Object.keys(commands);
  // Flags may come first; then what follows one of them is its value.
  const command = args.find((arg) => Object.hasOwn(commands, arg)) ?? args.find((arg) => !arg.startsWith('-'));
  if (command === undefined && args.length === 0)
    return `No command. Commands: ${names.join(', ')}. Run ${program} --help.`;
  const known = command === undefined ? undefined : commands[command as CommandName];
  const valid = known === undefined ? Object.keys(flagTexts) : [...known.required, ...known.optional];
  const schema = configJsonSchema(connector.config);
  const configKeys = Object.keys((schema.properties ?? {}) as object);
  for (const arg of args) {
    if (!arg.startsWith('-') || arg === '-') continue;
    const name = arg.replace(/^-+/, '').split('=')[0]!;
    if (['help', 'version'].includes(name) || (arg.startsWith('--') && valid.includes(name))) continue;
    const wanted = name.replaceAll('-', '_');
    const secret = secretPaths(schema).find((path) => path === wanted || path.split('.').at(-1) === wanted);
    if (secret !== undefined) {
      return `--${name}: ${secret} is a secret and can not be a flag, because others can see command lines. Write it in the config file as "${secret}": "\${ENV_NAME}", or "${secret}_file": "PATH".`;
    }
    if (configKeys.includes(wanted))
      return `--${name}: ${wanted} is a key of the config file (--config FILE), not a flag.`;
    const near = nearestNames(name, valid)[0];
    const meant = near === undefined ? '' : ` Did you mean --${near}?`;
    return `There is no flag --${name.slice(0, 50)}${known === undefined ? '' : ` of ${command}`}.${meant} Run ${program} ${known === undefined ? '' : `${command} `}--help.`;
  }
  if (asksForHelp(args) && known === undefined) return undefined;
  if (known === undefined) {
    const near = command === undefined ? undefined : nearestNames(command, names)[0];
    return `There is no such command.${near === undefined ? '' : ` Did you mean ${near}?`} Commands: ${names.join(', ')}. Run ${program} --help.`;
  }
  return undefined;
}

function asksForHelp(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--help' || arg === '--version');
}

const newParser = (): Argv =>
  yargs([])
    .locale('en')
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false, 'boolean-negation': false })
    .demandCommand(1, 1, 'No command.', 'There are arguments that belong to no flag.');

/**
 * Reads the flags of one command, its name among them. Of a command of its own yargs lays the help out whenever that runs, and
 * for nobody: a tenth of the time that a start takes.
 */
function describeCall(name: CommandName, command: Command): Argv {
  return describeCommand(newParser().help(false).version(false).strictOptions(), name, command);
}

function describeProgram(connector: AnyConnector, commands: Partial<Record<CommandName, Command>>): Argv {
  const program = programName(connector);
  let parser = newParser()
    .scriptName(program)
    .usage(`${connector.description}\n\n  $0 COMMAND [FLAGS]`)
    .version(`${program} ${connector.version}`)
    .help()
    .wrap(80)
    .strict()
    .epilog(programHelp(connector));
  for (const [name, command] of Object.entries(commands)) {
    parser = parser.command(name, command.about, (sub) =>
      describeCommand(sub, name, command).epilog(commandHelp(connector, command)),
    );
  }
  return parser;
}

function programHelp(connector: AnyConnector): string {
  return `${configHelp(connector)}\n\nExit codes: 0 done; 2 wrong command line or file; 10 stopped early, run again to\ngo on; 20 configuration or credentials; 30 failed, try again; 40 the protocol\nwas broken.\n$0 COMMAND --help tells more about one command.`;
}

function describeCommand(parser: Argv, name: string, command: Command): Argv {
  let described = parser.usage(`${command.about}\n\n  $0 ${name} [FLAGS]`);
  for (const flag of [...command.required, ...command.optional]) {
    if (flag === 'stop-on-stdin-end') {
      described = described.option(flag, { type: 'boolean', describe: flagTexts[flag] });
      continue;
    }
    const dash = name !== 'write' && stdinFlags.includes(flag as (typeof stdinFlags)[number]) ? '; - is stdin' : '';
    const demandOption = command.required.includes(flag);
    described = described.option(flag, {
      type: 'string',
      requiresArg: true,
      describe: flagTexts[flag] + dash,
      demandOption,
    });
  }
  return described;
}

function commandHelp(connector: AnyConnector, command: Command): string {
  // Not as examples of yargs: it has no room for commands of this length.
  const examples = command.examples.map(([example, about]) => `  # ${about}\n  $0 ${example}`);
  const config = command.required.length === 0 ? [] : [configHelp(connector)];
  const sections = [...(examples.length === 0 ? [] : [`Examples:\n${examples.join('\n')}`]), ...config];
  return sections.join('\n\n');
}
