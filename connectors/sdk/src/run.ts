import { addAbortSignal, type Readable, type Writable } from 'node:stream';
import { CodedError, ExitCode, emptySourceState, type Message, message, toCodedError } from '@penstock/protocol';
import { type Invocation, parseCommandLine } from './command-line.ts';
import { checkConfig, configJsonSchema, parseJsonText, readCatalog } from './config-file.ts';
import { type AnyConnector, isSource, programName } from './connector.ts';
import { describeConnector } from './describe-connector.ts';
import { MessageOutput } from './message-output.ts';
import { closeWritten, openToRead, openToWrite, readChunks, readFileWhole, readToEnd } from './open-file.ts';
import { ProgramLog } from './program-log.ts';
import { runRead } from './run-read.ts';
import { runWrite } from './run-write.ts';
import { SecretScrubber } from './secret-scrubber.ts';
import { readSourceInput } from './source-input.ts';
import { encodeChecked } from './source-output.ts';
import { checkStreamStates, readState } from './state-file.ts';
import type { StopControl } from './stop-control.ts';

/** The outside of a program. */
export interface ProgramIo {
  /** After the program's name. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly stop: StopControl;
  /** Rejects when something failed that nobody waited for (an unhandled rejection). Ends the command. */
  readonly broken?: Promise<never>;
}

/** An earlier run may have been killed before its first checkpoint. */
const NO_STATE_YET = 'Leave --state out to begin from the start.';

/** Runs one command of a connector. Never rejects. @returns the exit code, once everything is written */
export async function runProgram(connector: AnyConnector, io: ProgramIo): Promise<number> {
  const program = programName(connector);
  const parsed = await parseCommandLine(connector, io.args);
  if (parsed.kind === 'refused') {
    io.stderr.write(`${program}: ${parsed.text}\n`);
    return ExitCode.usage;
  }
  if (parsed.kind === 'show') {
    await new Promise((resolve) => io.stdout.write(parsed.text, resolve));
    return ExitCode.done;
  }
  const { flags } = parsed.invocation;
  let stdin = io.stdin;
  let stdout = io.stdout;
  const opening = new AbortController();
  const signal = AbortSignal.any([opening.signal, io.stop.signal]);
  try {
    // Side by side: a launcher opens its ends of two pipes in an order that is not known here.
    [stdin, stdout] = await Promise.all([
      flags.input === undefined ? stdin : openToRead('Input file', flags.input, { signal }),
      flags.output === undefined ? stdout : openToWrite('Output file', flags.output, { signal }),
    ]);
  } catch (error) {
    opening.abort();
    io.stderr.write(`${program}: ${toCodedError(error).message}\n`);
    return io.stop.isStopping ? ExitCode.stopped : ExitCode.usage;
  }
  const run = new CommandRun(connector, parsed.invocation, { ...io, stdin, stdout });
  const exitCode = await run.run();
  if (stdout !== io.stdout) await Promise.race([closeWritten(stdout), io.stop.whenForced]);
  if (stdin !== io.stdin) stdin.destroy();
  return exitCode;
}

class CommandRun {
  readonly #connector: AnyConnector;
  readonly #invocation: Invocation;
  readonly #io: ProgramIo;
  readonly #scrubber = new SecretScrubber();
  readonly #output: MessageOutput;
  readonly #log: ProgramLog;
  #outputError: NodeJS.ErrnoException | undefined;

  constructor(connector: AnyConnector, invocation: Invocation, io: ProgramIo) {
    this.#connector = connector;
    this.#invocation = invocation;
    this.#io = io;
    this.#output = new MessageOutput(io.stdout, (error) => {
      this.#outputError = error;
      const isGone = (error as NodeJS.ErrnoException).code === 'EPIPE';
      io.stop.request(isGone ? 'The reader of the output is gone' : `The output can not be written (${error.message})`);
    });
    this.#log = new ProgramLog({
      program: programName(connector),
      stderr: io.stderr,
      stderrLevel: io.env.LOG_LEVEL,
      scrubber: this.#scrubber,
      toOutput: (payload) => this.#output.writeLog(payload),
    });
  }

  async run(): Promise<number> {
    const { stop, stdin } = this.#io;
    stop.prepare({ note: (text) => this.#log.note(text) });
    if (this.#invocation.flags['stop-on-stdin-end'] === true) {
      stdin.once('close', () => stop.request('End of stdin'));
      stdin.once('end', () => stdin.destroy());
      stdin.on('error', () => stdin.destroy());
      stdin.resume();
    }
    const { broken } = this.#io;
    const command = this.#runCommand();
    const work = (broken === undefined ? command : Promise.race([command, broken])).catch((thrown) =>
      this.#answerError(thrown),
    );
    const exitCode = await Promise.race([work, stop.whenForced.then(() => ExitCode.stopped)]);
    await Promise.race([this.#output.whenWritten(), stop.whenForced]);
    this.#output.end();
    stop.end();
    // A reader may leave when it has enough; a full disk is another matter.
    if (this.#outputError === undefined || this.#outputError.code === 'EPIPE') return exitCode;
    return ExitCode.retry;
  }

  async #answerError(thrown: unknown): Promise<number> {
    const { stop } = this.#io;
    if (stop.signal.aborted) {
      this.#log.debug(`Ended with an error after being asked to stop: ${String(thrown)}`);
      return ExitCode.stopped;
    }
    const error = toCodedError(thrown);
    this.#log.ending(error);
    // A command line or file that can't be read is answered on stderr alone.
    if (error.exitCode === ExitCode.usage) return error.exitCode;
    await this.#send(
      message.connectionStatus({ status: 'failed', message: error.text, failure_type: error.failureType }),
    );
    return this.#invocation.command === 'check' ? ExitCode.done : error.exitCode;
  }

  async #send(item: Message): Promise<void> {
    await this.#output.whenReady();
    this.#output.writeLine(encodeChecked(this.#scrubber.message(item)));
  }

  async #runCommand(): Promise<number> {
    const connector = this.#connector;
    const { command, flags } = this.#invocation;
    const { signal } = this.#io.stop;
    const log = this.#log;
    if (command === 'spec') {
      await this.#send(message.spec(describeConnector(connector)));
      return ExitCode.done;
    }
    const config = await this.#readConfig(flags.config!);
    const catalog = flags.catalog === undefined ? undefined : await this.#readCatalog(flags.catalog);
    if (command === 'check') {
      const text = await connector.check({ config, signal, log });
      await this.#send(
        message.connectionStatus({ status: 'succeeded', ...(text === undefined ? {} : { message: text }) }),
      );
    } else if (command === 'setup') {
      const control = await connector.setup!({ config, signal, log, ...(catalog === undefined ? {} : { catalog }) });
      if (control !== undefined) await this.#send(message.control(control));
    } else if (command === 'teardown') {
      await connector.teardown!({ config, signal, log, ...(catalog === undefined ? {} : { catalog }) });
    } else if (!isSource(connector)) {
      const { output, stop, stdin } = { output: this.#output, ...this.#io };
      return runWrite(connector, { config, catalog: catalog!, stdin, output, log, scrubber: this.#scrubber, stop });
    } else if (command === 'discover') {
      await this.#send(message.catalog(await connector.discover({ config, signal, log })));
    } else {
      const where = `State file ${flags.state}`;
      const saved =
        flags.state === undefined
          ? emptySourceState()
          : await readState(
              where,
              readChunks('State file', flags.state, { signal, remedyWhenEmpty: NO_STATE_YET }),
              log,
            );
      const state = checkStreamStates(saved, catalog!, connector.streamState);
      const input =
        flags['source-input'] === undefined
          ? undefined
          : readSourceInput(
              await this.#open('Source input', flags['source-input']),
              connector.sourceInput!,
              log,
              signal,
            );
      const { stop } = this.#io;
      const [output, scrubber] = [this.#output, this.#scrubber];
      return runRead(connector, { config, catalog: catalog!, state, input, output, log, scrubber, stop });
    }
    return this.#io.stop.signal.aborted ? ExitCode.stopped : ExitCode.done;
  }

  /** `-` is stdin. */
  async #open(what: string, path: string): Promise<Readable> {
    return path === '-' ? this.#io.stdin : openToRead(what, path, { signal: this.#io.stop.signal });
  }

  async #readConfig(path: string): Promise<never> {
    const { signal } = this.#io.stop;
    const where = path === '-' ? 'The config on stdin' : `Config file ${path}`;
    const bytes =
      path === '-'
        ? await readToEnd(where, addAbortSignal(signal, this.#io.stdin))
        : await readFileWhole('Config file', path, { signal });
    if (bytes.length === 0) throw new CodedError('file_unreadable', { message: `${where} is empty.` });
    const raw = parseJsonText(where, bytes);
    const jsonSchema = configJsonSchema(this.#connector.config);
    const learn = (plain: Record<string, unknown>): void => this.#scrubber.learn(plain, jsonSchema);
    return (await checkConfig(raw, this.#connector.config, this.#io.env, learn)) as never;
  }

  async #readCatalog(path: string) {
    const bytes = await readFileWhole('Catalog file', path, { signal: this.#io.stop.signal });
    return readCatalog(`Catalog file ${path}`, bytes);
  }
}
