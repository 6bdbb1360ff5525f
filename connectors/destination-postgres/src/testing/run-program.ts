import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type ConfiguredStream, type Message, message } from '@penstock/protocol';

const program = fileURLToPath(new URL('../main.ts', import.meta.url));

/** What is started, and with which files. */
export type ProgramCall = {
  readonly command: 'check' | 'write' | 'setup' | 'teardown';
  readonly config: Readonly<Record<string, unknown>>;
  /** No catalog at all where it is left out. */
  readonly streams?: readonly ConfiguredStream[];
};

/** What a program left behind. */
export type ProgramEnd = {
  readonly code: number | null;
  readonly stderr: string;
  /** Whole lines of stdout; one that was cut off is left out. */
  readonly messages: readonly Message[];
};

/** Starts the program. Its stdin is open, and its stdout and stderr are the caller's to read. */
export async function startProgram({ command, config, streams }: ProgramCall): Promise<ChildProcessWithoutNullStreams> {
  const folder = await mkdtemp(join(tmpdir(), 'destination-postgres-'));
  const json = async (name: string, value: unknown) => {
    await writeFile(join(folder, name), JSON.stringify(value));
    return join(folder, name);
  };
  const args = [program, command, '--config', await json('config.json', config)];
  if (streams) args.push('--catalog', await json('catalog.json', { streams }));
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it may end before it has read everything
  child.once('close', () => void rm(folder, { recursive: true, force: true }));
  return child;
}

/** Waits for the end of a program that was started. */
export async function whenEnded(child: ChildProcessWithoutNullStreams): Promise<ProgramEnd> {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const lines = stdout.split('\n').slice(0, -1).filter(Boolean);
  return { code: code as number | null, stderr, messages: lines.map((line) => JSON.parse(line) as Message) };
}

/** Runs the program to its end. @param input lines for its stdin */
export async function runProgram(call: ProgramCall, input = ''): Promise<ProgramEnd> {
  const child = await startProgram(call);
  child.stdin.end(input);
  return whenEnded(child);
}

const line = (item: Message) => `${JSON.stringify(item)}\n`;

/** Lines of input. */
export const lines = {
  record: (stream: string, data: Record<string, unknown>): string =>
    line(message.record({ stream, emitted_at: '2026-01-01T00:00:00Z', data })),
  /** @param record_count how many records the source says that it has sent since the checkpoint before */
  checkpoint: (stream: string, data: unknown, record_count?: number): string =>
    line(
      message.sourceState({ state_type: 'stream', stream, data, ...(record_count !== undefined && { record_count }) }),
    ),
  complete: (stream: string): string => line(message.streamStatus({ stream, status: 'complete' })),
};
