import { Readable, Writable } from 'node:stream';
import type { Message } from '@penstock/protocol';
import type { AnyConnector } from '../connector.ts';
import { runProgram } from '../run.ts';
import { StopControl } from '../stop-control.ts';
import { messagesOf } from './builders.ts';

/** What a command did. */
export interface CommandResult {
  readonly exitCode: number;
  /** Every line of stdout; a line that is no message fails the test. */
  readonly messages: Message[];
  readonly stdout: string;
  readonly stderr: string;
}

/** What surrounds the command. */
export interface CommandSurroundings {
  /** Chunks of stdin, or the stream itself; nothing when absent. */
  readonly stdin?: Iterable<string | Buffer> | AsyncIterable<string | Buffer>;
  readonly env?: Record<string, string>;
  readonly stop?: StopControl;
}

function collector(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
}

/** Runs a command of a connector inside the test, with everything but the process itself. */
export async function runConnectorForTest(
  connector: AnyConnector,
  args: readonly string[],
  surroundings: CommandSurroundings = {},
): Promise<CommandResult> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  async function* stdinChunks() {
    for await (const chunk of surroundings.stdin ?? []) yield Buffer.from(chunk);
  }
  const exitCode = await runProgram(connector, {
    args,
    env: surroundings.env ?? {},
    stdin:
      surroundings.stdin instanceof Readable ? surroundings.stdin : Readable.from(stdinChunks(), { objectMode: false }),
    stdout: collector(out),
    stderr: collector(err),
    stop: surroundings.stop ?? new StopControl(),
  });
  const stdout = Buffer.concat(out).toString();
  const isMessages = !args.includes('--help') && !args.includes('--version');
  return {
    exitCode,
    messages: isMessages ? messagesOf(stdout) : [],
    stdout,
    stderr: Buffer.concat(err).toString(),
  };
}
