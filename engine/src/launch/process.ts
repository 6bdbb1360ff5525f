import { type ChildProcess, spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { scrubText } from '@penstock/protocol';
import { configForFile } from './config-for-file.ts';
import { type ConnectorEnd, whenEnded } from './connector-end.ts';
import { KillTimer } from './kill-timer.ts';
import type { Connector, LaunchRequest, RunningConnector } from './launcher.ts';
import { PrivateFolder } from './private-folder.ts';
import { StderrLines } from './stderr-lines.ts';
import { TextTail } from './text-tail.ts';

/** How long a pipe may stay open and silent after its process has ended: somebody else holds its other end. */
const ORPHANED_PIPE_TIMEOUT_MS = 10_000;
const ORPHANED_PIPE_POLL_MS = 1_000;

/** A connector that is a program on this machine. */
export interface ConnectorProgram {
  readonly name: string;
  /** Program and first arguments. Never split, never given to a shell. */
  readonly command: readonly [string, ...string[]];
}

/** Starts connectors as child processes. */
export function processConnector(program: ConnectorProgram): Connector {
  return { name: program.name, launch: (request) => launchProcess(program, request) };
}

async function launchProcess(program: ConnectorProgram, request: LaunchRequest): Promise<RunningConnector> {
  const folder = await PrivateFolder.create();
  try {
    const args: string[] = [];
    for (const key of ['config', 'catalog', 'state'] as const) {
      const value = request[key];
      if (value === undefined) continue;
      const content = key === 'config' ? configForFile(value) : value;
      args.push(`--${key}`, await folder.writeJson(`${key}.json`, content));
    }
    // The lifeline: when this engine is gone, however it went, the pipe closes and the source ends.
    if (request.command === 'read') args.push('--stop-on-stdin-end');
    const [file, ...first] = program.command;
    // A group of its own: Ctrl-C in a terminal reaches the engine alone, which then stops both sides in order, and
    // whatever the connector starts can be ended with it.
    const child = spawn(file, [...first, request.command, ...args], { stdio: 'pipe', detached: true });
    return new ChildConnector(program.name, child, folder, request);
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

class ChildConnector implements RunningConnector {
  readonly name: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly ended: Promise<ConnectorEnd>;
  readonly #child: ChildProcess;
  readonly #stderr = new TextTail();
  readonly #secrets: readonly string[];
  #isStopping = false;
  readonly #killTimer = new KillTimer(() => this.kill());

  constructor(name: string, child: ChildProcess, folder: PrivateFolder, { secrets = [], onStderr }: LaunchRequest) {
    this.name = name;
    this.#secrets = secrets;
    this.#child = child;
    const lines = onStderr && new StderrLines(secrets, onStderr);
    this.ended = whenEnded(child).finally(async () => {
      lines?.end();
      this.#killTimer.clear();
      await folder.remove().catch(() => undefined);
    });
    // A child that couldn't be started may have no pipes.
    this.stdin = child.stdin ?? new Writable({ write: (_chunk, _encoding, done) => done() });
    this.stdout = child.stdout ?? Readable.from([]);
    // EPIPE after the reader has left is no news: `ended` tells. Without a listener it would end the engine.
    this.stdin.on('error', () => undefined);
    this.stdout.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr.push(chunk);
      lines?.push(chunk);
    });
    child.stderr?.on('error', () => undefined);
    child.once('exit', () => {
      this.#signalGroup('SIGKILL');
      this.#closeOrphanedPipes();
    });
  }

  stderrTail(): string {
    return scrubText(this.#stderr.toString(), this.#secrets);
  }

  stop(graceMs: number): void {
    if (this.#hasExited()) return;
    if (!this.#isStopping) this.#child.kill('SIGTERM');
    this.#isStopping = true;
    this.#killTimer.limit(graceMs);
  }

  kill(): void {
    if (!this.#hasExited()) this.#signalGroup('SIGKILL');
  }

  #hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  }

  /** A process outside of the group can hold the pipes open for ever; what is in them is read first. */
  #closeOrphanedPipes(): void {
    let seen = -1;
    let silentMs = 0;
    const timer = setInterval(() => {
      const stdout = this.stdout as Readable & { bytesRead?: number };
      const read = stdout.bytesRead ?? 0;
      silentMs = read === seen && !stdout.isPaused() ? silentMs + ORPHANED_PIPE_POLL_MS : 0;
      seen = read;
      if (silentMs < ORPHANED_PIPE_TIMEOUT_MS) return;
      stdout.destroy();
      this.#child.stderr?.destroy();
    }, ORPHANED_PIPE_POLL_MS);
    timer.unref();
    void this.ended.then(() => clearInterval(timer));
  }
}
