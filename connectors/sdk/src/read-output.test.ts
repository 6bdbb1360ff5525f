import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { LINE_BYTES_MAX, message } from '@penstock/protocol';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { BufferPool } from './buffer-pool.ts';
import { ConnectorError } from './connector-error.ts';
import { encodeRecordBatch } from './encode-record.ts';
import type { Source, SourceOutput } from './source.ts';
import { runConnectorForTest, StopControl, testCatalog, testRecord, testTime } from './testing/index.ts';
import { smallSource } from './testing/small-connectors.ts';

const folder = mkdtempSync(join(tmpdir(), 'sdk-read-'));
const config = join(folder, 'config.json');
const catalog = join(folder, 'catalog.json');
const args = ['read', '--config', config, '--catalog', catalog];

beforeAll(() => {
  writeFileSync(config, '{"api_key": "sk_live_secret"}');
  writeFileSync(catalog, JSON.stringify(testCatalog('a', 'b')));
});

const state = (stream: string) => message.sourceState({ state_type: 'stream', stream, data: {}, record_count: 99 });
const globalState = message.sourceState({ state_type: 'global', data: {} });
const complete = (stream: string) => message.streamStatus({ stream, status: 'complete' });
const ends = [complete('a'), complete('b')];

function yielding(...items: SourceOutput[]) {
  return smallSource(async function* () {
    yield* items;
  });
}

async function read(source: Source, more: string[] = [], stop = new StopControl()) {
  const result = await runConnectorForTest(source, [...args, ...more], { stop });
  const counts = result.messages.flatMap((item) =>
    item.type === 'source_state' ? [item.source_state.record_count] : [],
  );
  return { ...result, counts };
}

describe('what a source yields', () => {
  test('comes out in its order, with the records counted for each checkpoint', async () => {
    const batch = {
      type: 'record_batch',
      stream: 'a',
      emitted_at: testTime,
      data: ['{"id":2}', Buffer.from('{"id":3}')],
    } as const;
    const result = await read(
      yielding(
        testRecord('a', { id: 1 }),
        testRecord('b', { id: 1 }),
        batch,
        state('a'),
        state('a'),
        globalState,
        state('b'),
        testRecord('b', {}),
        globalState,
        ...ends,
      ),
    );
    expect(result.counts).toEqual([3, 0, 4, 1, 1]);
    expect(result.exitCode).toBe(0);
    expect(result.messages.map((item) => item.type).slice(0, 4)).toEqual(['record', 'record', 'record', 'record']);
  });

  test('is canonical, whatever the order of the keys was', async () => {
    const scrambled = { record: { data: { id: 1 }, emitted_at: testTime, stream: 'a' }, type: 'record' } as const;
    const result = await read(yielding(scrambled, ...ends));
    expect(result.stdout.split('\n')[0]).toBe(
      `{"type":"record","record":{"stream":"a","emitted_at":"${testTime}","data":{"id":1}}}`,
    );
  });

  test('is refused when it is no message', async () => {
    const wrong = {
      type: 'stream_status',
      stream_status: { stream: 'a', status: 'finished' },
    } as unknown as SourceOutput;
    const result = await read(yielding(testRecord('a', { id: 1 }), wrong, ...ends));
    expect(result.exitCode).toBe(40);
    expect(result.messages.map((item) => item.type)).toEqual(['record', 'connection_status']);
  });

  test('is no record without an object, a time and a name', async () => {
    for (const [emitted_at, data] of [
      ['yesterday', '{}'],
      [testTime, ' {}'],
      [testTime, '[]'],
      [testTime, ''],
    ] as const) {
      const result = await read(yielding({ type: 'record_batch', stream: 'a', emitted_at, data: [data] }, ...ends));
      expect(result.exitCode, `${emitted_at} ${data}`).toBe(40);
    }
  });

  test('of a stream that is not in the catalog is an error of that stream, once; the others go on', async () => {
    const result = await read(
      yielding(
        testRecord('z', {}),
        testRecord('z', {}),
        state('z'),
        complete('z'),
        testRecord('a', {}),
        globalState,
        ...ends,
      ),
    );
    expect(result.messages.map((item) => item.type)).toEqual([
      'stream_status',
      'record',
      'source_state',
      'stream_status',
      'stream_status',
    ]);
    expect(result.counts).toEqual([1]);
    expect(result.exitCode).toBe(30);
  });

  test('after the end of its stream is no second end', async () => {
    const result = await read(yielding(...ends, message.streamStatus({ stream: 'a', status: 'error', error: 'late' })));
    expect(result.messages.filter((item) => item.type === 'stream_status')).toHaveLength(2);
    expect(result.exitCode).toBe(0);
  });

  test('without an end for a stream gets one: an error', async () => {
    const result = await read(yielding(complete('b')));
    expect(result.messages.at(-1)).toMatchObject({
      stream_status: { stream: 'a', status: 'error', failure_type: 'system' },
    });
    expect(result.exitCode).toBe(30);
  });

  test('with a line over the limit ends the run with exit 40, naming stream and size', async () => {
    const data = [`{"x":"${'x'.repeat(LINE_BYTES_MAX)}"}`];
    const result = await read(yielding({ type: 'record_batch', stream: 'a', emitted_at: testTime, data }, ...ends));
    expect(result.exitCode).toBe(40);
    expect(result.stderr).toMatch(/A record of stream "a" makes a line of 3355\d{4} bytes/);
  });

  test('with a state that is too large ends the run', async () => {
    const large = message.sourceState({ state_type: 'stream', stream: 'a', data: 'x'.repeat(1024 * 1024) });
    const result = await read(yielding(large, ...ends));
    expect(result.stderr).toContain('The state of stream "a" has 10');
    expect(result.exitCode).toBe(40);
  });
});

test('every record of a batch is one line that holds the same value, line breaks between tokens or not', () => {
  const values = fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(0, 2), fc.boolean()), {
    minLength: 1,
  });
  const pool = new BufferPool();
  fc.assert(
    fc.property(values, (items) => {
      const data = items.map(([value, indent, asBuffer]) => {
        const text = JSON.stringify(value, null, indent);
        return asBuffer ? Buffer.from(text) : text;
      });
      const parts = [...encodeRecordBatch({ type: 'record_batch', stream: 's"ä', emitted_at: testTime, data }, pool)];
      const lines = Buffer.concat(parts.map((part) => part.lines))
        .toString()
        .split('\n');
      for (const part of parts) pool.giveBack(part.lines);
      expect(lines.pop()).toBe('');
      expect(lines.map((line) => JSON.parse(line))).toEqual(
        data.map((text) => testRecord('s"ä', JSON.parse(text.toString()))),
      );
    }),
  );
});

describe('how read ends', () => {
  const failing = (error: unknown) =>
    smallSource(async function* () {
      yield testRecord('a', { id: 1 });
      throw error;
    });

  test.each([
    ['credentials_refused', 20, 'config'],
    ['unreachable', 30, 'transient'],
    ['response_invalid', 30, 'system'],
  ] as const)('%s thrown is a failed connection and exit %i', async (code, exitCode, failureType) => {
    const result = await read(failing(new ConnectorError(code, { message: 'Because.' })));
    expect(result.exitCode).toBe(exitCode);
    expect(result.messages.at(-1)).toMatchObject({
      connection_status: { status: 'failed', failure_type: failureType },
    });
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('any other error is a defect: exit 30, no stack on stderr, the secret masked', async () => {
    const result = await read(failing(new TypeError('no such thing as sk_live_secret')));
    expect(result.exitCode).toBe(30);
    expect(result.stderr).toContain('source-small: Unexpected error: no such thing as ********');
    expect(result.stderr).not.toContain('    at ');
    expect(result.stdout).not.toContain('sk_live_secret');
  });

  test.each([
    ['config', 20],
    ['transient', 30],
    [undefined, 30],
  ] as const)('a stream that failed by %s makes exit %i', async (failure_type, exitCode) => {
    const status = {
      stream: 'a',
      status: 'error',
      error: 'x',
      ...(failure_type === undefined ? {} : { failure_type }),
    } as const;
    expect((await read(yielding(message.streamStatus(status), complete('b')))).exitCode).toBe(exitCode);
  });

  test('skipped streams are done', async () => {
    const skip = message.streamStatus({ stream: 'a', status: 'skip', reason: 'not enabled' });
    expect((await read(yielding(skip, complete('b')))).exitCode).toBe(0);
  });

  test('a failed connection that the source yields ends it there, and it may release what it holds', async () => {
    let released = false;
    const source = smallSource(async function* () {
      try {
        yield message.connectionStatus({ status: 'failed', message: 'no', failure_type: 'config' });
        yield testRecord('a', { id: 1 });
      } finally {
        released = true;
      }
    });
    const result = await read(source);
    expect([result.exitCode, result.messages.length, released]).toEqual([20, 1, true]);
  });

  test('a stop ends it at once with exit 10, and it may release what it holds', async () => {
    const stop = new StopControl();
    let released = false;
    const source = smallSource(async function* ({ signal }) {
      try {
        for (let id = 0; ; id++) {
          if (id === 3) stop.request('SIGTERM');
          expect(signal.aborted && id > 3).toBe(false);
          yield testRecord('a', { id });
        }
      } finally {
        released = true;
      }
    });
    const result = await read(source, [], stop);
    expect([result.exitCode, result.messages.length, released]).toEqual([10, 3, true]);
  });

  test('a source that does not listen is left at the second request', async () => {
    const stop = new StopControl();
    const source = smallSource(async function* () {
      setImmediate(() => {
        stop.request('SIGTERM');
        stop.request('SIGTERM');
      });
      await new Promise(() => undefined);
      yield complete('a');
    });
    expect((await read(source, [], stop)).exitCode).toBe(10);
  });
});

describe('a stop while it waits for', () => {
  test('the config on stdin ends it at once', async () => {
    const stop = new StopControl();
    const ended = runConnectorForTest(yielding(...ends), ['check', '--config', '-'], {
      stdin: new PassThrough(),
      stop,
    });
    setImmediate(() => stop.request('SIGINT'));
    expect((await ended).exitCode).toBe(10);
  });

  test('source input ends it at once', async () => {
    const stop = new StopControl();
    let released = false;
    const source = smallSource(
      async function* ({ input }) {
        setImmediate(() => stop.request('SIGTERM'));
        try {
          for await (const value of input!) yield testRecord('a', { value });
        } finally {
          released = true;
        }
      },
      { sourceInput: z.unknown() },
    );
    const surroundings = { stdin: new PassThrough(), stop };
    const result = await runConnectorForTest(source, [...args, '--source-input', '-'], surroundings);
    expect([result.exitCode, result.messages, released]).toEqual([10, [], true]);
  });
});

describe('logs', () => {
  test('are messages on stdout, from warn up lines on stderr too, secrets masked everywhere', async () => {
    const source = smallSource(async function* ({ log, config }) {
      log.debug('d');
      log.info(`key ${config.api_key}`, { stream: 'a' });
      log.warn('careful', { data: { header: [`Bearer ${config.api_key}`] } });
      yield message.streamStatus({ stream: 'a', status: 'error', error: `key ${config.api_key}` });
      yield complete('b');
    });
    const result = await read(source);
    expect(result.messages.slice(0, 3)).toEqual([
      message.log({ level: 'debug', message: 'd' }),
      message.log({ level: 'info', message: 'key ********', stream: 'a' }),
      message.log({ level: 'warn', message: 'careful', data: { header: ['Bearer ********'] } }),
    ]);
    expect(result.stdout + result.stderr).not.toContain('sk_live_secret');
    expect(JSON.parse(result.stderr)).toMatchObject({ program: 'source-small', msg: 'careful' });
  });
});

test('a secret that is the same word as a status or a stream changes neither', async () => {
  const path = join(folder, 'words.json');
  writeFileSync(path, '{"api_key": "complete"}');
  const read = ['read', '--config', path, '--catalog', catalog];
  const result = await runConnectorForTest(yielding(...ends), read);
  expect([result.exitCode, result.messages]).toEqual([0, ends]);
});

describe('what read is given', () => {
  test('state from the lines of an earlier run, checked for each stream', async () => {
    const path = join(folder, 'state.ndjson');
    writeFileSync(path, `${JSON.stringify(state('a'))}\n{"type":"source_sta`);
    let given: unknown;
    const source = smallSource(
      async function* (context) {
        given = context.state;
        yield* ends;
      },
      { streamState: z.object({ at: z.number().default(7) }) },
    );
    expect((await read(source, ['--state', path])).exitCode).toBe(0);
    expect(given).toEqual({ streams: { a: { at: 7 } }, global: {} });
    const strict = { ...source, streamState: z.object({ cursor: z.string() }) };
    const refused = await read(strict, ['--state', path]);
    expect(refused.exitCode).toBe(20);
    expect(refused.stderr).toContain('The state of stream "a" is not one that this source wrote: cursor');
  });

  test('source input, line by line, wrapped or bare', async () => {
    const path = join(folder, 'input.ndjson');
    writeFileSync(
      path,
      '{"event":1}\n\nrubbish\n{"type":"source_input","source_input":{"event":2}}\n{"event":"x"}\n{"event":3}',
    );
    const given: unknown[] = [];
    const source = smallSource(
      async function* ({ input }) {
        for await (const value of input!) given.push(value);
        yield* ends;
      },
      { sourceInput: z.object({ event: z.number() }) },
    );
    const result = await read(source, ['--source-input', path]);
    expect(given).toEqual([{ event: 1 }, { event: 2 }]);
    expect(result.messages.filter((item) => item.type === 'log')).toHaveLength(3);
  });

  test('source input of which more than 100 lines are bad ends it with exit 40', async () => {
    const path = join(folder, 'rubbish.ndjson');
    writeFileSync(path, 'rubbish\n'.repeat(101));
    const source = smallSource(
      async function* ({ input }) {
        for await (const value of input!) yield testRecord('a', { value });
      },
      { sourceInput: z.unknown() },
    );
    const result = await read(source, ['--source-input', path]);
    expect(result.exitCode).toBe(40);
    expect(result.stderr).toContain('the source input wrote 101 lines that are no messages');
  });
});
