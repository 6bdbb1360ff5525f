import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { CodedError, parseLine } from '@penstock/protocol';
import type { ConnectorEnd } from './connector-end.ts';
import type { Connector, ConnectorCommand, RunningConnector } from './launcher.ts';
import { dismiss } from './pipe-dismissal.ts';
import { joinPipes } from './pipe-running.ts';

/** A connector that somebody else has started, with its files and named pipes in one folder. */
export interface ConnectorPipes {
  /** `source/stripe`, for messages. */
  readonly name: string;
  readonly side: 'source' | 'destination';
  readonly folder: string;
}

/**
 * Joins connectors that are already running, or about to be, by named pipes. In the folder are
 *
 * - `spec`, and `discover`, `check` when they are asked for: files with what these commands printed;
 * - named pipes: `catalog` and (for a source) `state`, which the connector takes for its `--catalog` and `--state`, and
 *   `input` and `output`, its `--input` and `--output`.
 *
 * The connector has its config from elsewhere. It is joined once.
 */
export function pipeConnector(pipes: ConnectorPipes): Connector {
  let isJoined = false;
  return {
    name: pipes.name,
    launch: (request) => {
      const { command } = request;
      if (command !== 'read' && command !== 'write') return answerFromFile(pipes, command);
      isJoined = true;
      return joinPipes(pipes, { ...request, command });
    },
    release: async (nothingToDo) => {
      if (!isJoined) await dismiss(pipes, nothingToDo);
      isJoined = true;
    },
  };
}

/** What the connector in a folder is called by its own `spec`, for example `stripe`; undefined when that can't be read. */
export async function connectorNameIn(folder: string): Promise<string | undefined> {
  const path = join(folder, 'spec');
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) return undefined;
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
  for (const line of lines) {
    const parsed = parseLine(line);
    if (parsed.kind === 'message' && parsed.message.type === 'spec') return parsed.message.spec.connector?.name;
  }
  return undefined;
}

/** A short command that was run before: its output is a file. @throws CodedError `connector_not_found` */
async function answerFromFile({ name, folder }: ConnectorPipes, command: ConnectorCommand): Promise<RunningConnector> {
  const path = join(folder, command);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new CodedError('connector_not_found', {
      message: `${name}: there is no file ${path} with its answer to \`${command}\`.`,
      remedy: `It has to be written before the engine starts, in a pod by an init container: CONNECTOR ${command} … --output ${path}.`,
    });
  }
  const stdout = createReadStream(path);
  const ended = new Promise<ConnectorEnd>((resolve) => {
    stdout.once('error', (cause) => resolve({ kind: 'never_started', cause }));
    // How the program ended is not known; what it printed tells.
    stdout.once('close', () => resolve({ kind: 'exited', code: 0 }));
  });
  const kill = (): void => void stdout.destroy();
  const stdin = new Writable({ write: (_chunk, _encoding, done) => done() });
  return { name, stdin, stdout, ended, stderrTail: () => '', stop: kill, kill };
}
