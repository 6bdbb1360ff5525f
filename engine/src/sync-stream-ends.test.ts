import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineMessage } from '@penstock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunSyncOptions, runSync } from './run-pipeline.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-ends-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const prelude = `
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const command = process.argv[2];
const say = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
const status = (stream, status, more) => say({ type: 'stream_status', stream_status: { stream, status, ...more } });
const call = () => {
  appendFileSync(CALLS, '.');
  return readFileSync(CALLS, 'utf8').length;
};
const spec = { config: { type: 'object' }, protocol_version: 1, destination_sync_modes: ['append'] };
if (command === 'spec') say({ type: 'spec', spec });
if (command === 'discover')
  say({ type: 'catalog', catalog: { streams: ['a', 'b'].map((name) => ({ name, primary_key: [['id']] })) } });
`;
const echo = 'for await (const line of createInterface({ input: process.stdin })) take(JSON.parse(line));';

/** Runs two connectors that are a few lines of JavaScript: what `read` does, and what is done with each line of it. */
async function run(read: string, take: string, options: RunSyncOptions = {}) {
  const calls = `const CALLS = ${JSON.stringify(join(folder, 'calls'))};`;
  const side = async (name: string, code: string) => {
    const path = join(folder, `${name}.mjs`);
    await writeFile(path, `${prelude}${calls}${code}`);
    return { command: [process.execPath, path], config: {} };
  };
  const messages: EngineMessage[] = [];
  const pipeline = {
    name: 'ends',
    source: await side('source', `if (command === 'read') { const n = call(); ${read} }`),
    destination: await side('destination', `const take = (m) => { ${take} };\nif (command === 'write') { ${echo} }`),
    state: { file: join(folder, 'state.json') },
  };
  const result = await runSync(pipeline, {
    ...options,
    onMessage: (message) => {
      messages.push(message);
      return options.onMessage?.(message);
    },
  });
  const said = messages.flatMap((each) => (each.type === 'stream_status' ? [each.stream_status] : []));
  const ends = (stream: string) =>
    said.flatMap((each) => (each.stream === stream && each.status !== 'start' ? [each.status] : []));
  const logs = messages.flatMap((each) => (each.type === 'log' ? [each.log] : []));
  return { result, messages, ends, logs };
}

const both = "for (const s of ['a', 'b']) { status(s, 'start'); status(s, 'complete'); }";

describe('the end of a stream', () => {
  it('is said once, and what the destination says of it afterwards is a warning where it is a failure', async () => {
    const { result, ends, logs } = await run(
      both,
      "say(m); if (m.stream_status.status !== 'complete') return; say(m); status(m.stream_status.stream, 'error', { error: 'second thoughts' });",
    );
    expect([ends('a'), ends('b')]).toEqual([['complete'], ['complete']]);
    expect(result).toMatchObject({ exitCode: 0, eof: { run_progress: { streams: { a: { status: 'completed' } } } } });
    expect(logs).toContainEqual({
      level: 'warn',
      stream: 'a',
      message: 'error after the stream was completed, which it stays: second thoughts',
    });
  });

  it('is the failure where that came first', async () => {
    const { result, ends, logs } = await run(
      both,
      "if (m.stream_status.status === 'complete' && m.stream_status.stream === 'a') status('a', 'error', { error: 'no' }); say(m);",
    );
    expect(ends('a')).toEqual(['error']);
    expect(result).toMatchObject({ exitCode: 30, eof: { run_progress: { streams: { a: { message: 'no' } } } } });
    expect(logs).toContainEqual(expect.objectContaining({ level: 'debug', stream: 'a' }));
  });

  it('is said after the last try of a run that goes on until it is done, the failures before it in logs', async () => {
    const read = `
      status('b', 'start');
      if (n < 3) status('b', 'error', { error: 'later please', failure_type: 'transient' });
      else status('b', 'complete');
      if (n === 1) { status('a', 'start'); status('a', 'complete'); }`;
    const { result, messages, ends, logs } = await run(read, 'say(m);', { untilDone: true });
    expect(result.exitCode).toBe(0);
    expect([ends('a'), ends('b')]).toEqual([['complete'], ['complete']]);
    const reasons = logs.filter(({ message }) => message === 'Failed for now: later please');
    expect(reasons).toEqual([1, 2].map(() => expect.objectContaining({ level: 'warn', stream: 'b' })));
    expect(logs).toContainEqual(
      expect.objectContaining({
        message: 'A stream failed for now. Trying again in 1 s.',
        data: { retry_in_ms: 1000 },
      }),
    );
    expect(messages.filter(({ type }) => type === 'eof')).toHaveLength(1);
  });

  it.each([
    ['config', 'a failure that only a person can mend'],
    ['transient', 'the last of the failures that were tried again'],
  ])('of the kind %s is said before eof: %s', async (failure_type) => {
    const read = `status('a', 'start'); status('a', 'complete'); status('b', 'error', { error: 'no', failure_type: '${failure_type}' });`;
    const stop = new AbortController();
    let pauses = 0;
    const onMessage = (message: EngineMessage): undefined => {
      if (message.type === 'log' && message.log.message.includes('Trying again') && ++pauses === 2) stop.abort();
    };
    const { result, messages, ends } = await run(read, 'say(m);', {
      untilDone: true,
      signal: stop.signal,
      onMessage,
    });
    expect(result.exitCode).toBe(failure_type === 'config' ? 20 : 30);
    expect(pauses).toBe(failure_type === 'config' ? 0 : 2);
    expect(ends('b')).toEqual(['error']);
    expect(messages.at(-1)?.type).toBe('eof');
  });

  it('stays what it was when the source speaks of the stream again in a continuation', async () => {
    await run("status('a', 'start'); status('a', 'complete'); status('b', 'start'); process.exitCode = 10;", 'say(m);');
    const { result, ends, logs, messages } = await run(both, 'say(m);');
    expect(result).toMatchObject({ exitCode: 0, eof: { run_progress: { streams: { a: { status: 'completed' } } } } });
    expect([ends('a'), ends('b')]).toEqual([[], ['complete']]);
    expect(logs.filter(({ level }) => level === 'warn')).toEqual([
      { level: 'warn', stream: 'a', message: expect.stringContaining('had ended in this run before') },
    ]);
    expect(JSON.stringify(messages)).not.toContain('not in the catalog');
    expect(await readFile(join(folder, 'state.json'), 'utf8')).not.toContain('not in the catalog');
  });
});
