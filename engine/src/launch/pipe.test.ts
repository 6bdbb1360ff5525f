import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { CodedError, encodeMessage, message } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askConnector } from './ask-connector.ts';
import { connectorNameIn, pipeConnector } from './pipe.ts';
import { joinPipes } from './pipe-running.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-pipes-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const pipes = () => ({ name: 'source/x', side: 'source' as const, folder });
const makePipes = (...names: string[]): void => void execFileSync('mkfifo', names.map(at));
const makeAll = (): void => makePipes('catalog', 'state', 'input', 'output');

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof CodedError) return `${error.code} ${error.text}`;
  throw new Error('it did not fail');
}

describe('the answers of a connector that was asked before', () => {
  const ask = (command: 'spec' | 'discover' | 'check') =>
    askConnector(pipeConnector(pipes()), { command }, command === 'spec' ? 'spec' : 'catalog');

  it('are read from their files', async () => {
    const spec = { config: {}, protocol_version: 1, connector: { name: 'example', version: '1' } };
    await writeFile(
      at('spec'),
      encodeMessage(message.log({ level: 'info', message: 'x' })) + encodeMessage(message.spec(spec)),
    );
    expect((await ask('spec')).type).toBe('spec');
    expect(await connectorNameIn(folder)).toBe('example');
  });

  it('that are missing, or a pipe, are named with what would write them', async () => {
    expect(await failureOf(ask('discover'))).toMatch(
      new RegExp(
        `^connector_not_found source/x: there is no file ${at('discover')} .*init container.*--output ${at('discover')}`,
      ),
    );
    makePipes('spec');
    expect(await failureOf(ask('spec'))).toMatch(/^connector_not_found/);
    expect(await connectorNameIn(folder)).toBeUndefined();
  });

  it.each([
    ['config', 'config_invalid'],
    ['transient', 'connector_failed'],
  ] as const)('that say that the connection failed keep what they say (%s)', async (failure_type, code) => {
    await writeFile(
      at('discover'),
      encodeMessage(message.connectionStatus({ status: 'failed', message: 'no such key', failure_type })),
    );
    expect(await failureOf(ask('discover'))).toMatch(`${code} source/x: no such key`);
  });
});

describe('joining a connector', () => {
  it('hands over catalog and state, and ends when its output does', async () => {
    makeAll();
    const joining = joinPipes(pipes(), { command: 'read', catalog: { streams: [] }, state: { a: 1 } });
    const [input, output] = [createReadStream(at('input')), createWriteStream(at('output'))];
    const running = await joining;
    expect(await json(createReadStream(at('catalog')))).toEqual({ streams: [] });
    expect(await json(createReadStream(at('state')))).toEqual({ a: 1 });
    running.stdout.resume();
    output.end('said');
    expect(await running.ended).toEqual({ kind: 'closed' });
    // Its lifeline is cut, should it live on.
    expect(await input.toArray()).toEqual([]);
  });

  it('says which pipes are missing, and how they are made', async () => {
    makePipes('catalog', 'output');
    expect(await failureOf(joinPipes(pipes(), { command: 'read' }))).toBe(
      `connector_not_found source/x: ${at('state')}, ${at('input')} are not named pipes. They have to be made before the connector and the engine start, in a pod by an init container: mkfifo PATH….`,
    );
  });

  it('gives up a connector that does not come, or only half', async () => {
    makeAll();
    const nobody = joinPipes(pipes(), { command: 'read', startTimeoutMs: 100 });
    expect(await failureOf(nobody)).toMatch(
      /^timed_out source\/x: .* within 0.1 s\. Does it run, with --(input|output) /,
    );
    const half = joinPipes(pipes(), { command: 'read', startTimeoutMs: 500 });
    const output = createWriteStream(at('output'));
    expect(await failureOf(half)).toMatch(/^timed_out .*input: nobody opened it for reading/);
    output.destroy();
  });

  it('stops waiting when it is told to', async () => {
    makeAll();
    const abort = new AbortController();
    const joining = joinPipes(pipes(), { command: 'read', signal: abort.signal });
    abort.abort();
    expect(await failureOf(joining)).toMatch(/^stopped /);
  });

  it('asks it to stop by the end of its input, and leaves it alone after the grace', async () => {
    makeAll();
    const joining = joinPipes(pipes(), { command: 'read' });
    const [input, output] = [createReadStream(at('input')), createWriteStream(at('output'))];
    const running = await joining;
    running.stop(200);
    expect(await input.toArray()).toEqual([]);
    // It goes on talking all the same.
    output.on('error', () => undefined);
    expect(await running.ended).toEqual({ kind: 'closed' });
    output.destroy();
  });
});
